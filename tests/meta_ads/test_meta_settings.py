"""What company.yml may say of ad accounts at Meta."""

from __future__ import annotations

import traceback

import pytest
from meta_accounts import TOKEN, Script

from ingestion.errors import CompanyError


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("acounts: ['1']", "(meta).acounts: unknown key; did you mean 'accounts'"),
        ("accounts: [main]", "'main' is not the id of an account"),
        ("version: '26'", "(meta).version = "),
        ("attribution: []", "name a window in which actions count, such as 7d_click"),
        ("attribution: [7d_view]", "Meta tells no '7d_view' since January 2026"),
        ("attribution: [28d_view]", "Meta tells no '28d_view' since January 2026"),
        ("attribution: [7d_clicks]", "'7d_clicks' is no window; did you mean '7d_click'"),
        ("attribution: [1d_click, 7d_click]", "would count actions twice"),
        ("attribution: [1d_view, 1d_view]", "would count actions twice"),
        ("conversions: []", "(meta).conversions: Tuple should have at least 1 item"),
        ("conversions: [lead, lead]", "names an action twice"),
        (
            "conversions: [offsite_conversion.fb_pixel_lead, lead]",
            "'lead' has the actions of 'offsite_conversion.fb_pixel_lead', too",
        ),
        ("conversions: [purchase, omni_purchase]", "'purchase' has the actions of 'omni_purchase'"),
        ("conversions: [lead, onsite_conversion.lead_grouped]", "'lead' has the actions of"),
        ("restated_days: 0", "(meta).restated_days = "),
        ("token_env: meta", "not the name of an environment variable"),
    ],
)
def test_a_wrong_key_is_named(script: Script, keys: str, message: str) -> None:
    with pytest.raises(CompanyError) as error:
        script.company(keys)
    assert message in str(error.value)


@pytest.mark.parametrize("key", ["token_env", "access_token", "token", "note"])
def test_a_token_that_was_pasted_into_the_file_is_not_shown(script: Script, key: str) -> None:
    with pytest.raises(CompanyError) as error:
        script.company(f"{key}: {TOKEN}")
    assert TOKEN not in "".join(traceback.format_exception(error.value))


def test_an_address_is_one_of_a_server_and_has_no_token_in_it(script: Script) -> None:
    for url in ("graph.facebook.com", "https://x.com/v26.0", f"https://x.com?access_token={TOKEN}"):
        script.url = url
        with pytest.raises(CompanyError, match=r"\(meta\)\.url = ") as error:
            script.company()
        assert TOKEN not in str(error.value)


def test_ids_are_plain_and_windows_in_one_order(script: Script) -> None:
    source = script.source("accounts: [act_11, '2-2']\n    attribution: [1d_view, 28d_click]")
    assert source.accounts == ("11", "22")
    assert source.attribution == ("28d_click", "1d_view")
    assert source.channel == "Paid Social"
    assert source.entities_given == ("campaigns", "spend_daily")


PIXEL, APP = "offsite_conversion.fb_pixel_", "app_custom_event.fb_mobile_"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("onsite_web_purchase", f"{PIXEL}purchase"),
        ("onsite_web_app_purchase", "onsite_web_purchase"),
        ("web_app_in_store_purchase", "onsite_web_app_purchase"),
        ("onsite_app_purchase", f"{APP}purchase"),
        ("omni_initiated_checkout", f"{PIXEL}initiate_checkout"),
        ("omni_view_content", f"{APP}content_view"),
        ("lead", "leadgen_grouped"),
        ("leadgen.other", "onsite_conversion.lead_grouped"),
        ("omni_app_install", "mobile_app_install"),
    ],
)
def test_actions_that_happen_in_the_same_place_do_not_add_up(
    script: Script, one: str, other: str
) -> None:
    for names in (f"{one}, {other}", f"{other}, {one}"):
        with pytest.raises(CompanyError, match="together they would count twice"):
            script.company(f"conversions: [{names}]")


@pytest.mark.parametrize(
    "parts",
    [
        (f"{PIXEL}purchase", "onsite_conversion.purchase", f"{APP}purchase"),
        ("onsite_web_purchase", f"{APP}purchase", "offline_conversion.purchase"),
        ("onsite_web_purchase", "onsite_web_lead"),
    ],
)
def test_actions_of_different_places_or_events_add_up(
    script: Script, parts: tuple[str, ...]
) -> None:
    assert script.source(f"conversions: [{', '.join(parts)}]").conversions == parts


def test_parts_of_an_action_may_be_added_up(script: Script) -> None:
    parts = ("offsite_conversion.fb_pixel_lead", "onsite_conversion.lead_grouped", "purchase")
    assert script.source(f"conversions: [{', '.join(parts)}]").conversions == parts
