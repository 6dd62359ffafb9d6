"""Meta's Marketing API: what is particular to it, and the requests that read ad accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import orjson
import requests
from dlt.common import jsonpath
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

from ingestion.errors import SourceError
from ingestion.http import Api, ApiClient, Pace, Page, Patience, Shape, secret_of
from ingestion.sources.meta_ads.settings import LABEL, MetaAdsSource

PAGE = 500
PAGES = (PAGE, 100, 25)
"""Sizes of a list's pages, the next one where one is too much."""
REQUESTS_PER_SECOND, SLOWLY = 200.0, 4.0
NEARLY_ALL = 75
"""Percent of what is allowed from which on requests are made slowly."""
ACCOUNT: Shape = MappingProxyType({"account_id": str, "currency": str, "timezone_name": str})
RECORD: Shape = MappingProxyType({"id": str})
REPORT: Shape = MappingProxyType({"report_run_id": str})
RUN: Shape = MappingProxyType({"async_status": str, "async_percent_completion": int})
DAY: Shape = MappingProxyType({"date_start": str, "date_stop": str})
ROW: Shape = MappingProxyType({"campaign_id": str, **DAY})

ACCOUNT_FIELDS = ("account_id", "name", "currency", "timezone_name", "account_status")
CAMPAIGN_FIELDS = (
    "id", "name", "objective", "effective_status", "start_time", "stop_time",
    "lifetime_budget", "daily_budget",
)  # fmt: skip
LISTED_CAMPAIGNS = ("ACTIVE", "ARCHIVED", "IN_PROCESS", "PAUSED", "WITH_ISSUES")
"""The campaigns that a list has if it is asked for them: of deleted ones it has none."""

LIMITS = frozenset({4, 17, 32, 341, 613, *range(80_000, 80_015)})
"""Codes of errors that say that too much was asked of late. Their status is 400 or 403."""
PASSING = frozenset({1, 2, -2})
"""Codes of errors that pass, as far as Meta knows."""
TOO_MUCH = frozenset({1_487_534, 1_504_018, 1_504_038})
"""Subcodes of errors that say that a report is too much at once, or takes too long for that."""
TOO_MUCH_WORDS = "reduce the amount of data"
TOKEN = frozenset({102, 190})
PERMISSION = frozenset({3, 10, *range(200, 300)})
OLD_VERSION = frozenset({2_500, 2_635})
NO_SUCH = (100, 33)
"""Code and subcode of the error that says that there is no object of an id."""
_AFTER = jsonpath.compile_path("paging.cursors.after")


class TooMuchError(SourceError):
    """A report, or a page of a list, has more than Meta gives at once."""


class NoSuchError(SourceError):
    """There is nothing of an id, or nothing that the token may read."""


class MetaAdsApi(Api):
    """The API as one token reads it: a bearer token, limits told as errors with codes."""

    label = LABEL
    results = "data"

    def __init__(self, source: MetaAdsSource) -> None:
        what = (
            "an access token that may read the ad accounts (ads_read), best one of a system user, "
            "which does not expire"
        )
        token = secret_of(source.name, source.token_env, what)
        super().__init__(source.name, source.url, token, BearerTokenAuth(token))
        self._settings = source
        self._pace = Pace(REQUESTS_PER_SECOND)

    def pace(self, path: str) -> Pace:
        """Limits are by what requests cost; what is too much is refused, and asked again."""
        return self._pace

    def told_rate(self, headers: Mapping[str, str]) -> float | None:
        """Slower once most of what is allowed is used up; that is told of reports alone."""
        used = _json_of(headers.get("x-fb-ads-insights-throttle"))
        percents = [used.get(name) for name in ("app_id_util_pct", "acc_id_util_pct")]
        if not any(isinstance(it, int | float) for it in percents):
            return None
        most = max(it for it in percents if isinstance(it, int | float))
        return REQUESTS_PER_SECOND if most < NEARLY_ALL else SLOWLY

    def told_wait(self, response: requests.Response) -> float | None:
        """The minutes after which access is regained, by business and use case."""
        usage = _json_of(response.headers.get("x-business-use-case-usage"))
        minutes = [
            it.get("estimated_time_to_regain_access") or 0 for uses in usage.values() for it in uses
        ]
        return max(minutes, default=0) * 60.0 or super().told_wait(response)

    def is_good(self, document: Any) -> bool:
        """Whether it is a list, an object or the id of a report."""
        if not isinstance(document, dict) or "error" in document:
            return False
        return isinstance(document.get("data"), list) or any(
            isinstance(document.get(name), str) for name in ("id", "report_run_id")
        )

    def message(self, document: Any) -> object:
        """Meta's own words, and its code: what it says to users is at times all that it says."""
        error = document["error"]
        said = [error["message"], error.get("error_user_msg")]
        code = "/".join(str(error[it]) for it in ("code", "error_subcode") if it in error)
        return f"{'; '.join(filter(None, said))} (code {code})"

    def is_passing(self, response: requests.Response) -> bool:
        """Whether the same request may succeed later: Meta says so by codes, not by the status."""
        error = error_of(response.content)
        if is_too_much(error):
            return False
        if error.get("code") in LIMITS | PASSING or error.get("is_transient"):
            return True
        return super().is_passing(response)

    def error(self, response: requests.Response, problem: str) -> SourceError:
        """What is wrong with the token, its permissions or a setting, and what to do."""
        error, source = error_of(response.content), self._settings
        code = error.get("code")
        if is_too_much(error):
            return TooMuchError(problem)
        if (code, error.get("error_subcode")) == NO_SUCH:
            return NoSuchError(problem)
        if code in TOKEN or response.status_code == 401:
            return SourceError(
                f"{problem}; the token has expired, was withdrawn or is none: put a new one into "
                f"the environment variable {source.token_env}. One of a system user does not expire"
            )
        if code in PERMISSION:
            return SourceError(
                f"{problem}; the token in {source.token_env} lacks the permission ads_read, or its "
                "user has no access to the ad account: assign it in Meta's Business settings "
                "(Users, System users, Assign assets)"
            )
        if code in OLD_VERSION:
            return SourceError(
                f"{problem}; the source {source.name} asks for version {source.version} of the "
                "API: name one that Meta still has as `version` in company.yml, such as v26.0"
            )
        return SourceError(problem)


def error_of(content: bytes) -> Mapping[str, Any]:
    """What an answer says of an error; nothing where it says nothing."""
    try:
        error = orjson.loads(content)["error"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return {}
    return error if isinstance(error, dict) else {}


def is_too_much(error: Mapping[str, Any]) -> bool:
    """Whether an error says that a smaller report would do.

    It has a code of its own only at times, and says it in words for developers or for users.
    """
    said = f"{error.get('message')} {error.get('error_user_title')} {error.get('error_user_msg')}"
    return error.get("error_subcode") in TOO_MUCH or TOO_MUCH_WORDS in said.lower()


class After(JSONResponseCursorPaginator):
    """Pages by cursor while there is a `next`, which is not followed: it bears the token."""

    def __init__(self) -> None:
        super().__init__(cursor_path=_AFTER, cursor_param="after")

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """The last page has a cursor, too, and no `next`."""
        super().update_state(response, data)
        self._has_next_page &= "next" in (response.json().get("paging") or {})


class MetaAdsClient(ApiClient):
    """Reads what one token may read; several threads may."""

    def __init__(self, source: MetaAdsSource, patience: Patience | None = None) -> None:
        super().__init__(MetaAdsApi(source), patience)
        self._version = source.version

    def accounts(self) -> Iterator[Page]:
        """The ad accounts that the token may read."""
        yield from self._list("me/adaccounts", ACCOUNT, ACCOUNT_FIELDS)

    def campaigns(self, account: str) -> Iterator[Page]:
        """The campaigns of an account that are not deleted."""
        wanted = _json(LISTED_CAMPAIGNS)
        path = f"act_{account}/campaigns"
        yield from self._list(path, RECORD, CAMPAIGN_FIELDS, effective_status=wanted)

    def campaign(self, id: str) -> dict[str, Any]:
        """A campaign by its id, deleted ones, too. Raises NoSuchError where it is gone for good."""
        return self._one(id, RECORD, params={"fields": ",".join(CAMPAIGN_FIELDS)})

    def begin(self, account: str, question: Mapping[str, object]) -> str:
        """Have a report made of an account's ads; its id."""
        asked = {name: it if isinstance(it, str) else _json(it) for name, it in question.items()}
        return str(self._one(f"act_{account}/insights", REPORT, data=asked)["report_run_id"])

    def run(self, report: str) -> dict[str, Any]:
        """How far a report is."""
        return self._one(report, RUN)

    def rows(self, report: str, shape: Shape) -> Iterator[Page]:
        """The rows of a report that is complete."""
        params = {"limit": PAGE}
        yield from self.paginate(self._path(f"{report}/insights"), After(), shape, params=params)

    def _list(
        self, path: str, shape: Shape, fields: Sequence[str], **params: object
    ) -> Iterator[Page]:
        """The pages of a list that is no report; in smaller ones where they are too much."""
        params["fields"] = ",".join(fields)
        for size in PAGES:
            pages = self.paginate(
                self._path(path), After(), shape, params={**params, "limit": size}
            )
            try:
                yield from list(pages)
            except TooMuchError:
                if size == PAGES[-1]:
                    raise
            else:
                return

    def _one(self, path: str, shape: Shape, **request: Any) -> dict[str, Any]:
        [found] = self.document(self._path(path), shape, **request).results
        return found

    def _path(self, path: str) -> str:
        return f"/{self._version}/{path}"


def _json_of(header: str | None) -> Mapping[str, Any]:
    """What a header says; nothing where it says nothing that can be read."""
    try:
        found = orjson.loads(header or "{}")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
