"""What company.yml says about ad accounts at Meta."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator

from ingestion.errors import one_of
from ingestion.settings import variable_of
from ingestion.sources.ads.settings import AdsSource, version_like

LABEL = "Meta Ads"
API = "https://graph.facebook.com"
VERSION = "v26.0"

CLICK_WINDOWS = ("1d_click", "7d_click", "28d_click")
VIEW_WINDOWS = ("1d_view",)
WINDOWS = (*CLICK_WINDOWS, *VIEW_WINDOWS)
"""What Meta tells of any action apart: within so many days of a click, or of a mere view."""
NO_MORE = ("7d_view", "28d_view")
"""Windows that Meta tells no more since January 2026."""


_WEB, _META, _APP, _STORE = "web", "meta", "app", "store"
_PLACES: Mapping[str, frozenset[str]] = {
    "offsite_conversion.fb_pixel_": frozenset({_WEB}),
    "onsite_conversion.": frozenset({_META}),
    "app_custom_event.fb_mobile_": frozenset({_APP}),
    "offline_conversion.": frozenset({_STORE}),
    "onsite_web_app_": frozenset({_META, _WEB, _APP}),
    "onsite_web_": frozenset({_META, _WEB}),
    "onsite_app_": frozenset({_META, _APP}),
    "web_app_in_store_": frozenset({_WEB, _APP, _STORE}),
    "web_in_store_": frozenset({_WEB, _STORE}),
}
"""Where the actions happen that Meta puts this before; of a longer beginning first."""
_ANYWHERE = frozenset({_WEB, _META, _APP, _STORE})
_ALIASES: Mapping[str, tuple[str, frozenset[str]]] = {
    "leadgen.other": ("lead", frozenset({_META})),
    "leadgen_grouped": ("lead", frozenset({_META})),
    "mobile_app_install": ("app_install", frozenset({_APP})),
}
_EVENTS: Mapping[str, str] = {
    "initiated_checkout": "initiate_checkout",
    "content_view": "view_content",
    "spent_credits": "spend_credits",
}
"""Events that Meta calls otherwise in one place than in another."""


class MetaAdsSource(AdsSource):
    """Ad accounts at Meta (Facebook, Instagram), read through the Marketing API.

    `token_env` names the environment variable that holds the token; `version` is the API's.
    `attribution` are the windows in which actions count, one after a click and one after a view at
    most: they are added up. `conversions` are the types of actions that are conversions.
    """

    type: Literal["meta_ads"]
    url: Annotated[str, Field(pattern=r"^https?://[^/@?#\s]+$")] = API
    token_env: Annotated[str, variable_of("token", "META_ADS_ACCESS_TOKEN")] = (
        "META_ADS_ACCESS_TOKEN"
    )
    version: Annotated[str, version_like(r"v[0-9]+\.[0-9]+", VERSION)] = VERSION
    attribution: tuple[str, ...] = ("7d_click", "1d_view")
    conversions: Annotated[tuple[str, ...], Field(min_length=1)] = ("lead",)

    @field_validator("attribution")
    @classmethod
    def _windows_that_add_up(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name in NO_MORE:
                raise ValueError(
                    f"Meta tells no '{name}' since January 2026; {one_of(name, WINDOWS)}"
                )
            if name not in WINDOWS:
                raise ValueError(f"'{name}' is no window; {one_of(name, WINDOWS)}")
        if not names:
            raise ValueError("name a window in which actions count, such as 7d_click")
        clicks = [name for name in names if name in CLICK_WINDOWS]
        if len(clicks) > 1 or len(set(names)) < len(names):
            raise ValueError(
                f"[{', '.join(names)}] would count actions twice, for a longer window has those of "
                "a shorter one: name one after a click and one after a view at most"
            )
        return tuple(name for name in WINDOWS if name in names)

    @field_validator("conversions")
    @classmethod
    def _actions_that_add_up(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for one, other in combinations(sorted(names, key=lambda it: -len(_happens(it)[1])), 2):
            (event, places), (other_event, other_places) = _happens(one), _happens(other)
            if one != other and event == other_event and places & other_places:
                raise ValueError(
                    f"'{one}' has the actions of '{other}', too: together they would count "
                    "twice; name the one or the other"
                )
        if len(set(names)) < len(names):
            raise ValueError(f"[{', '.join(names)}] names an action twice")
        return names

    def pointed_to(self, url: str, secret: str) -> tuple[Self, Mapping[str, str]]:
        """The same source at another API's address."""
        return self.model_copy(update={"url": url}), {self.token_env: secret}


def _happens(action: str) -> tuple[str, frozenset[str]]:
    """What happens, and in which places it is counted."""
    if action in _ALIASES:
        return _ALIASES[action]
    prefix = next((it for it in _PLACES if action.startswith(it)), "")
    event = action.removeprefix(prefix or "omni_").removesuffix("_grouped")
    return _EVENTS.get(event, event), _PLACES.get(prefix, _ANYWHERE)
