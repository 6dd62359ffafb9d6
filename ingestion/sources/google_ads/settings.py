"""What company.yml says about the accounts of Google Ads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field

from ingestion.settings import variable_of
from ingestion.sources.ads.settings import AdsSource, plain_id, version_like

LABEL = "Google Ads"
API = "https://googleads.googleapis.com"
TOKENS = "https://oauth2.googleapis.com/token"
VERSION = "v26"
"""The version of the API whose fields are asked for. Google ends each after about a year."""


def _manager(written: object) -> str | None:
    return None if written is None else plain_id(written)


class GoogleAdsSource(AdsSource):
    """Accounts of Google Ads, read through its API.

    `manager` is the manager account through which they are reached: all accounts below it are
    read, or of them those that `accounts` names. Without one they are those to which the user was
    added directly. The other settings name the environment variables that hold an OAuth client and
    a refresh token of that user; a developer token is sent where there is one.
    """

    type: Literal["google_ads"]
    url: Annotated[str, Field(pattern=r"^https?://[^/@?#\s]+$")] = API
    token_url: Annotated[str, Field(pattern=r"^https?://[^@?#\s]+$")] = TOKENS
    version: Annotated[str, version_like(r"v[0-9]+", VERSION)] = VERSION
    channel: Annotated[str, Field(min_length=1)] = "Paid Search"
    manager: Annotated[str | None, BeforeValidator(_manager)] = None
    client_id_env: Annotated[str, variable_of("client id", "GOOGLE_ADS_CLIENT_ID")] = (
        "GOOGLE_ADS_CLIENT_ID"
    )
    client_secret_env: Annotated[str, variable_of("client secret", "GOOGLE_ADS_CLIENT_SECRET")] = (
        "GOOGLE_ADS_CLIENT_SECRET"
    )
    refresh_token_env: Annotated[str, variable_of("refresh token", "GOOGLE_ADS_REFRESH_TOKEN")] = (
        "GOOGLE_ADS_REFRESH_TOKEN"
    )
    developer_token_env: Annotated[
        str, variable_of("developer token", "GOOGLE_ADS_DEVELOPER_TOKEN")
    ] = "GOOGLE_ADS_DEVELOPER_TOKEN"

    def pointed_to(self, url: str, secret: str) -> tuple[Self, Mapping[str, str]]:
        """The same source at another address, which gives access tokens, too."""
        held = {
            self.client_id_env: "sandbox",
            self.client_secret_env: secret,
            self.refresh_token_env: secret,
            self.developer_token_env: secret,
        }
        return self.model_copy(update={"url": url, "token_url": f"{url}/token"}), held
