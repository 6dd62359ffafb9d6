"""What Meta's own SDK says of its objects, and of the parameters of each request.

The SDK is made from the API's description. It warns at most of what is wrong: here all is told.
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

from facebook_business.adobjects.ad import Ad
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adreportrun import AdReportRun
from facebook_business.adobjects.adsactionstats import AdsActionStats
from facebook_business.adobjects.adsinsights import AdsInsights
from facebook_business.adobjects.campaign import Campaign
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi, FacebookRequest
from facebook_business.session import FacebookSession

PAGING = {"limit": "int", "after": "string", "fields": "list<string>", "access_token": "string"}
"""What any request may have."""
REFUSED_WINDOWS = ("7d_view", "28d_view")
"""The SDK still names them; the API has refused them since January 2026."""
NUMBERS = {
    AdsActionStats: ("value", "1d_click", "7d_click", "28d_click", "1d_view"),
    AdsInsights: ("spend", "impressions", "clicks"),
    Campaign: ("daily_budget", "lifetime_budget", "budget_remaining", "spend_cap"),
}
"""Texts that are numbers."""
DAYS = ("date_start", "date_stop")

Document = Mapping[str, Any]


def misfits(document: Document, cls: Any, path: str = "") -> list[str]:
    """All that is not as a class of the SDK says: keys it lacks, and values of other types."""
    return [*_of_class(document, cls, path)]


def _of_class(document: Any, cls: Any, path: str) -> Iterator[str]:
    if not isinstance(document, dict):
        yield f"{path}: {document!r} is no {cls.__name__}"
        return
    words = {name: set(_words(it)) for name, it in cls._get_field_enum_info().items()}
    for key, value in document.items():
        here = f"{path}.{key}".lstrip(".")
        if key not in cls._field_types:
            yield f"{here}: {cls.__name__} has no such key"
        elif value is None:
            yield f"{here}: is null"
        else:
            yield from _of_type(value, cls._field_types[key], words, here)
            if key in NUMBERS.get(cls, ()) and not _is_number(value):
                yield f"{here}: {value!r} is no number"
            if key in DAYS and not re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)):
                yield f"{here}: {value!r} is no day"


def _of_type(value: Any, type_: str, words: Mapping[str, set[str]], path: str) -> Iterator[str]:
    if type_.startswith("list<"):
        if not isinstance(value, list):
            yield f"{path}: {value!r} is no list"
            return
        for position, it in enumerate(value):
            yield from _of_type(it, type_[5:-1], words, f"{path}[{position}]")
    elif type_ in words:
        if value not in words[type_]:
            yield f"{path}: {value!r} is none of the words of {type_}"
    elif type_ in PLAIN:
        if not PLAIN[type_](value):
            yield f"{path}: {value!r} is no {type_}"
    elif cls := _class(type_):
        yield from _of_class(value, cls, path)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_moment(value: Any) -> bool:
    """As the API writes moments: 2026-03-01T09:30:00+0000."""
    try:
        dt.datetime.strptime(value, "%Y-%m-%dT%H:%M:%S%z")
    except (TypeError, ValueError):
        return False
    return True


def _is_number(value: Any) -> bool:
    try:
        return Decimal(value).is_finite()
    except (InvalidOperation, TypeError, ValueError):
        return False


PLAIN = {
    "string": lambda value: isinstance(value, str),
    "int": _is_int,
    "unsigned int": lambda value: _is_int(value) and value >= 0,
    "float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "bool": lambda value: isinstance(value, bool),
    "datetime": _is_moment,
    "Object": lambda value: isinstance(value, dict | str),
    "map": lambda value: isinstance(value, dict),
}


def _class(name: str) -> Any:
    """The SDK's class of a name; none where it has none."""
    try:
        module = importlib.import_module(f"facebook_business.adobjects.{name.lower()}")
    except ModuleNotFoundError:
        return None
    return getattr(module, name)


def _words(values: Any) -> Iterator[str]:
    """The words of an enum: a class whose other attributes are its name and module."""
    yield from (it for it in values if isinstance(it, str) and not it.startswith("facebook_"))


def page_misfits(page: Document, cls: Any) -> list[str]:
    """What is wrong with a page of a list: its rows, and how it leads to the next one."""
    if not isinstance(page.get("data"), list):
        return ["data: is no list"]
    found = [problem for row in page["data"] for problem in misfits(row, cls)]
    paging = page.get("paging")
    if paging is not None:
        found += [f"paging.{key}: is unknown" for key in paging.keys() - PAGING_KEYS]
        cursors = paging.get("cursors", {})
        found += [
            f"paging.cursors.{key}: {cursors.get(key)!r} is no text"
            for key in ("before", "after")
            if not isinstance(cursors.get(key), str)
        ]
        following = dict(parse_qsl(str(paging.get("next", "")).partition("?")[2]))
        if "next" in paging and following.get("after") != cursors.get("after"):
            found.append("paging.next: does not lead to after")
    return found + [f"{key}: is unknown" for key in page.keys() - {"data", "paging", "summary"}]


PAGING_KEYS = {"cursors", "next", "previous"}


def error_misfits(answer: Document) -> list[str]:
    """What is wrong with an error."""
    error = answer.get("error")
    if not isinstance(error, dict):
        return ["error: is missing"]
    wanted = {"message": str, "type": str, "code": int, "fbtrace_id": str}
    found = [
        f"error.{key}: {error.get(key)!r} is no {type_.__name__}"
        for key, type_ in wanted.items()
        if not isinstance(error.get(key), type_)
    ]
    known = {*wanted, "error_subcode", "error_user_title", "error_user_msg", "is_transient",
             "error_data"}  # fmt: skip
    return found + [f"error.{key}: is unknown" for key in error.keys() - known]


def refusals(method: str, path: str, given: Mapping[str, str]) -> list[str]:
    """All in a request that Meta's parameters do not know; `given`: of the query or the form.

    The address without its version: `act_1/insights`. Values come as texts or JSON, as sent.
    """
    asked = _asked(method, path)
    if asked is None:
        return [f"{method} {path}: is unknown"]
    request, fields_of = asked
    checker, found = request._param_checker, []
    for key, text in given.items():
        value = _value(text, checker.get_type(key) or PAGING.get(key, "string"))
        if key == "fields":
            found += [
                f"fields: {it} is unknown" for it in value if it not in fields_of._field_types
            ]
        elif not checker.is_valid_key(key):
            if key not in PAGING:
                found.append(f"{key}: is unknown")
        elif not checker.is_valid_pair(key, value):
            found.append(f"{key}: {value!r} is no {checker.get_type(key)}")
        if key == "action_attribution_windows":
            found += [f"{key}: {it} is refused" for it in value if it in REFUSED_WINDOWS]
        if key == "time_range":
            found += _of_range(value)
    return found


def _of_range(value: Any) -> list[str]:
    if not isinstance(value, dict) or value.keys() != {"since", "until"}:
        return [f"time_range: {value!r} has no since and until"]
    days = [str(value[key]) for key in ("since", "until")]
    if not all(re.fullmatch(r"\d{4}-\d\d-\d\d", day) for day in days):
        return [f"time_range: {value!r} has no days"]
    return [] if days[0] <= days[1] else ["time_range: ends before it begins"]


def _value(text: str, type_: str) -> Any:
    """What a text of a query is to be: lists come as JSON or with commas between."""
    if type_.startswith(("list", "map")):
        try:
            return json.loads(text)
        except ValueError:
            return text.split(",") if type_.startswith("list") else text
    return text


def _asked(method: str, path: str) -> tuple[FacebookRequest, Any] | None:
    """The SDK's own request of an address, and the class that its fields are of."""
    api = FacebookAdsApi(FacebookSession(access_token="none"))
    name = path.strip("/")
    node, _, edge = name.partition("/")
    account = AdAccount(node, api=api) if node.startswith("act_") else None
    match method, edge:
        case "GET", "adaccounts" if node == "me":
            return User("me", api=api).get_ad_accounts(pending=True), AdAccount
        case "GET", "" if account:
            return account.api_get(pending=True), AdAccount
        case "GET", "campaigns" if account:
            return account.get_campaigns(pending=True), Campaign
        case "GET", "ads" if account:
            return account.get_ads(pending=True), Ad
        case "POST", "insights" if account:
            return account.get_insights_async(params={}, pending=True), AdsInsights
        case "GET", "" if node.isdigit():
            return AdReportRun(node, api=api).api_get(pending=True), AdReportRun
        case "GET", "insights" if node.isdigit():
            return AdReportRun(node, api=api).get_insights(pending=True), AdsInsights
    return None
