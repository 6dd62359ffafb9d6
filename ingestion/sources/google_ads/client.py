"""Google Ads' API: what is particular to it, and the requests that read accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import requests

from ingestion.errors import SourceError
from ingestion.http import (
    Api,
    ApiClient,
    MalformedAnswerError,
    Pace,
    Patience,
    Place,
    Shape,
    well_formed,
)
from ingestion.sources.google_ads.access import RefreshGrant, Secrets
from ingestion.sources.google_ads.refusals import may_have_expired, message, refused, told_delay
from ingestion.sources.google_ads.settings import LABEL, GoogleAdsSource

Result = dict[str, Any]
ANY: Shape = MappingProxyType({})
LONG_WAIT = 300.0
"""The seconds from which on what is refused for a while is a quota of the day: nobody waits."""


class GoogleAdsApi(Api):
    """The API as one user's access shows it."""

    label = LABEL
    results = "$"

    def __init__(self, source: GoogleAdsSource, patience: Patience) -> None:
        self._held = Secrets.of(source)
        self._grant = RefreshGrant(source, self._held, patience)
        super().__init__(source.name, source.url, self._held.refresh_token, self._grant)
        self._settings = source
        self._pace = Pace(20.0)

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that opens the accounts."""
        return self._held.all

    @property
    def headers(self) -> dict[str, str]:
        """What each request says beside what it asks."""
        told = {
            "login-customer-id": self._settings.manager,
            "developer-token": self._held.developer_token,
        }
        return {name: value for name, value in told.items() if value}

    def pace(self, path: str) -> Pace:
        """Google tells no limit: it refuses for a while what is too much."""
        return self._pace

    def is_good(self, document: Any) -> bool:
        """Whether it is a list of accounts, or a stream that did not end in an error."""
        if isinstance(document, list):
            return all(
                isinstance(batch, dict)
                and "error" not in batch
                and isinstance(batch.get("results", []), list)
                for batch in document
            )
        # Where there is no account the list of them is left out.
        return document == {} or (
            isinstance(document, dict) and isinstance(document.get("resourceNames"), list)
        )

    def message(self, document: Any) -> object:
        """Google's codes and words."""
        return message(document)

    def refuse_other(self, response: requests.Response, place: Place) -> None:
        """A stream is a list of batches; whatever is good was signed with a good access token."""
        if place.path.endswith("searchStream") and not response.content.lstrip().startswith(b"["):
            raise MalformedAnswerError(place, "it is no list of batches of results")
        self._grant.proved(response.request)

    def is_passing(self, response: requests.Response) -> bool:
        """Whether an answer may be good in a while: what is asked too fast, not too often a day."""
        return super().is_passing(response) and (self.told_wait(response) or 0.0) < LONG_WAIT

    def told_wait(self, response: requests.Response) -> float | None:
        """The seconds to wait: by the header, or by the error's details."""
        told = super().told_wait(response)
        return told_delay(response) if told is None else told

    def renew(self, response: requests.Response) -> bool:
        """Have another access token where the one that was sent may have lasted its hour."""
        return may_have_expired(response) and self._grant.renew(response.request)

    def error(self, response: requests.Response, problem: str) -> SourceError:
        """What is wrong with access, ids or version, and what to do."""
        return refused(self._settings, response, problem)

    def stop(self) -> None:
        """Let no access token be asked for any more."""
        self._grant.stop()


@dataclass(frozen=True)
class Answer:
    """The results of a query, and the moment of it by the server's clock (naive UTC)."""

    results: list[Result]
    at: datetime


class GoogleAdsClient(ApiClient):
    """Reads what one user may see; several threads may."""

    def __init__(self, source: GoogleAdsSource, patience: Patience | None = None) -> None:
        patience = patience or Patience()
        self._google = GoogleAdsApi(source, patience)
        super().__init__(self._google, patience)
        self._session.headers.update(self._google.headers)
        self._version = source.version

    def stop(self) -> None:
        """Let no request begin any more."""
        super().stop()
        self._google.stop()

    def search(self, customer: str, query: str, *parts: str) -> Answer:
        """All results of a query on an account; each has these parts."""
        path = f"/{self._version}/customers/{customer}/googleAds:searchStream"
        page = self.document(path, ANY, json={"query": query})
        results = [found for batch in page.results for found in batch.get("results", ())]
        shape = dict.fromkeys(parts, dict)
        return Answer(well_formed(self.place(path), results, shape), page.received_at)

    def accessible(self) -> tuple[list[str], datetime]:
        """The ids of the accounts to which the user was added directly, and the moment of it."""
        page = self.document(f"/{self._version}/customers:listAccessibleCustomers", ANY)
        names = page.results[0].get("resourceNames", [])
        return [str(name).removeprefix("customers/") for name in names], page.received_at
