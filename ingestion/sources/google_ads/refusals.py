"""What Google refuses with, and what to do then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import orjson
import requests

from ingestion.errors import SourceError
from ingestion.sources.google_ads.settings import VERSION, GoogleAdsSource

_SIGN_IN = (
    "sign in again as a user who may see the accounts, with the scope "
    "https://www.googleapis.com/auth/adwords, and put the new refresh token into the environment "
    "variable {0.refresh_token_env}"
)
_REFRESH = (
    "the refresh token in {0.refresh_token_env} is of another OAuth client, was revoked or has "
    f"ended: {_SIGN_IN}. While the consent screen of the Google Cloud project is in testing, they "
    "end after 7 days: publish it"
)
_CLIENT = (
    "check the OAuth client of the Google Cloud project (APIs & Services, Credentials): its id is "
    "in the environment variable {0.client_id_env}, its secret in {0.client_secret_env}"
)
_PROJECT = (
    "the Google Cloud project of the OAuth client in {0.client_id_env} may not ask for these "
    "accounts: enable the Google Ads API in it, and apply for Explorer or Basic access at "
    "console.cloud.google.com/google/ads-apis/overview"
)
_QUOTA = (
    "what Google lets the Google Cloud project of the OAuth client in {0.client_id_env} ask for in "
    "a day is used up: run again when that time is over, or apply for Basic access, which may ask "
    "for more, at console.cloud.google.com/google/ads-apis/overview"
)
_DEVELOPER = (
    "check the developer token in the environment variable {0.developer_token_env}, or unset it: "
    "since September 2026 Google asks for none"
)
_USER = (
    "the user whose refresh token is in {0.refresh_token_env} may not see this account that way: "
    "see whether its id is right; add the user to it in Google Ads (Admin, Access and security); "
    "where it lies below a manager account of the user's, write that one's id as `manager` under "
    "the source {0.name}"
)
_ID = "see whether `accounts` and `manager` of the source {0.name} are ids of Google Ads accounts"
_LEAVE = "leave it out: name those that are to be read as `accounts` under the source {0.name}"
_MANAGER = "write the id of a manager account above it as `manager` under the source {0.name}"
_VERSION = (
    "Google ends each version of its API after about a year: the source {0.name} asks for "
    f"{{0.version}}, its fields are those of {VERSION}; write as `version` one that is still "
    "served (developers.google.com/google-ads/api/docs/sunset-dates), or take a newer salesops"
)

REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "invalid_grant": _REFRESH,
        "invalid_client": _CLIENT,
        "unauthorized_client": _CLIENT,
        "deleted_client": _CLIENT,
        "OAUTH_TOKEN_EXPIRED": _SIGN_IN,
        "OAUTH_TOKEN_INVALID": _SIGN_IN,
        "OAUTH_TOKEN_REVOKED": _SIGN_IN,
        "OAUTH_TOKEN_DISABLED": _SIGN_IN,
        "NOT_ADS_USER": _SIGN_IN,
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT": _SIGN_IN,
        "DEVELOPER_TOKEN_INVALID": _DEVELOPER,
        "DEVELOPER_TOKEN_PROHIBITED": _DEVELOPER,
        "DEVELOPER_TOKEN_NOT_ON_ALLOWLIST": _DEVELOPER,
        "DEVELOPER_TOKEN_NOT_APPROVED": _PROJECT,
        "CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION": _PROJECT,
        "PROJECT_DISABLED": _PROJECT,
        "SERVICE_DISABLED": _PROJECT,
        "RESOURCE_EXHAUSTED": _QUOTA,
        "USER_PERMISSION_DENIED": _USER,
        "CUSTOMER_NOT_FOUND": _ID,
        "CUSTOMER_NOT_ENABLED": _LEAVE,
        "ACTION_NOT_PERMITTED_FOR_SUSPENDED_ACCOUNT": _LEAVE,
        "ACCESS_DENIED_FOR_ACCOUNT_TYPE": _LEAVE,
        "CLIENT_CUSTOMER_ID_INVALID": _ID,
        "INVALID_CUSTOMER_ID": _ID,
        "INVALID_LOGIN_CUSTOMER_ID": _ID,
        "INVALID_LOGIN_CUSTOMER_ID_SERVING_CUSTOMER_ID_COMBINATION": _ID,
        "LOGIN_CUSTOMER_ID_PARAMETER_MISSING": _MANAGER,
        "UNSUPPORTED_VERSION": _VERSION,
        "UNRECOGNIZED_FIELD": _VERSION,
        "PROHIBITED_FIELD_IN_SELECT_CLAUSE": _VERSION,
    }
)
"""What to do, by Google's code of an error; a source's settings are put into it."""


class RefusedError(SourceError):
    """Google refuses an answer; `codes` say why, in its words."""

    def __init__(self, problem: str, codes: tuple[str, ...]) -> None:
        super().__init__(problem)
        self.codes = codes


def refused(source: GoogleAdsSource, response: requests.Response, problem: str) -> RefusedError:
    """The error that an answer is, with the remedy."""
    codes = _codes(response)
    if response.status_code == 404 and not codes:
        codes = ("UNSUPPORTED_VERSION",)
    remedies = dict.fromkeys(REMEDIES[code] for code in codes if code in REMEDIES)
    return RefusedError("; ".join([problem, *(it.format(source) for it in remedies)]), codes)


def may_have_expired(response: requests.Response) -> bool:
    """Whether an answer of status 401 may be for the access token, not for who it is of."""
    codes = _codes(response)
    return not codes or any(code.startswith("OAUTH_TOKEN_") for code in codes)


def told_delay(response: requests.Response) -> float | None:
    """The seconds after which Google wants to be asked again, as an error's details say it."""
    try:
        details = _error(orjson.loads(response.content)).get("details", ())
        told = [
            *(detail.get("retryDelay") for detail in details),
            *(
                failure.get("details", {}).get("quotaErrorDetails", {}).get("retryDelay")
                for detail in details
                for failure in detail.get("errors", ())
            ),
        ]
        return max((float(it.removesuffix("s")) for it in told if it), default=None)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _codes(response: requests.Response) -> tuple[str, ...]:
    try:
        return tuple(code for code, _ in failures(orjson.loads(response.content)))
    except orjson.JSONDecodeError:
        return ()


def message(document: Any) -> str:
    """What an answer says is wrong. KeyError or TypeError where it says nothing."""
    told = [f"{code}: {words}" if words else code for code, words in failures(document)]
    return "; ".join(told) or str(_error(document)["message"])


def failures(document: Any) -> Iterator[tuple[str, str]]:
    """Code and words of each error of an answer, as far as it has any."""
    try:
        error = _error(document)
        if isinstance(error, str):
            yield error, str(document.get("error_description", ""))
            return
        for detail in error.get("details", ()):
            for failure in detail.get("errors", ()):
                for code in failure["errorCode"].values():
                    yield str(code), str(failure.get("message", ""))
            if "reason" in detail:
                yield str(detail["reason"]), str(error.get("message", ""))
    except (AttributeError, KeyError, TypeError):
        return


def _error(document: Any) -> Any:
    """The error of an answer: that of a stream is a list of one."""
    return (document[0] if isinstance(document, list) and document else document)["error"]
