"""What company.yml says about the ad accounts of LinkedIn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field

from ingestion.settings import variable_of
from ingestion.sources.ads.settings import AdsSource, version_like

LABEL = "LinkedIn Ads"
API = "https://api.linkedin.com"
VERSION = "202610"
"""The version of the API whose fields are asked for. LinkedIn ends each after about a year."""


class LinkedInAdsSource(AdsSource):
    """Ad accounts in which a member of LinkedIn has a role, read through its API.

    `token_env` names the environment variable that holds an access token of that member's, with
    the scopes r_ads and r_ads_reporting. LinkedIn ends it after 60 days.
    """

    type: Literal["linkedin_ads"]
    url: Annotated[str, Field(pattern=r"^https?://[^/@?#\s]+$")] = API
    version: Annotated[str, version_like(r"20[0-9]{2}(0[1-9]|1[0-2])", VERSION)] = VERSION
    token_env: Annotated[str, variable_of("access token", "LINKEDIN_ADS_ACCESS_TOKEN")] = (
        "LINKEDIN_ADS_ACCESS_TOKEN"
    )

    def pointed_to(self, url: str, secret: str) -> tuple[Self, Mapping[str, str]]:
        """The same source at another address."""
        return self.model_copy(update={"url": url}), {self.token_env: secret}
