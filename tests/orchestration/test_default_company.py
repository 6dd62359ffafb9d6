"""The default company: founded, read over HTTP and published, then once more after a week."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

from dagster_project.numbers.receipts import Receipts
from dagster_project.publication import open_published
from ingestion.paths import PROJECT
from tests.joins import of_all_pairs
from tests.kpis.companies import Published, publish
from tests.kpis.receipts import disagreements
from tests.store import made_once
from tests.thorough import thorough

DEFAULT = PROJECT / "company.yml"
WEEK = dt.timedelta(days=7)
BEFORE = "before.json"
"""What was, when it was founded."""


def moment(company: Published) -> dt.datetime:
    """The business moment of what is published."""
    [as_of] = company.marts("select max(as_of) as as_of from marts.kpi_values")["as_of"]
    return as_of


def requests(company: Published) -> int:
    """How often the last run asked its systems."""
    log = company.folder / "sandbox" / "requests.jsonl"
    return len([json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()])


def deals(company: Published) -> int:
    """Versions of deals that have been loaded."""
    return int(company.warehouse("select count(*) as n from raw_hubspot.deals")["n"].iloc[0])


def found_and_go_on(folder: Path) -> None:
    """Publish the company when it is founded and a week later; keep what was before."""
    company = Published(DEFAULT, folder / "sandbox")
    publish(DEFAULT, folder, "--scale", "0.03", "--seed", "11")
    before = {
        "as_of": str(moment(company)),
        "requests": requests(company),
        "deals": deals(company),
        "won": company.kpi("deals_won"),
    }
    (folder / BEFORE).write_text(json.dumps(before), encoding="utf-8")
    publish(DEFAULT, folder, "--days", "7")


@thorough
def test_a_week_later_only_what_changed_is_loaded() -> None:
    folder = made_once("week_later", found_and_go_on, DEFAULT, Path(__file__))
    company = Published(DEFAULT, folder / "sandbox")
    before = json.loads((folder / BEFORE).read_text(encoding="utf-8"))
    assert moment(company) - dt.datetime.fromisoformat(before["as_of"]) == WEEK
    assert 0 < deals(company) - before["deals"] < before["deals"] / 10
    assert requests(company) < before["requests"] / 2
    assert company.kpi("deals_won") >= before["won"]
    restated = company.marts("select distinct first_run_id from marts.mart_restatements")
    assert len(restated) >= 1
    with open_published(company.folder / "published" / "salesops.duckdb") as connection:
        assert disagreements(Receipts(connection)) == []


@thorough
def test_no_join_of_what_comes_from_hubspot_compares_all_pairs_of_rows() -> None:
    folder = made_once("week_later", found_and_go_on, DEFAULT, Path(__file__))
    assert of_all_pairs(Published(DEFAULT, folder / "sandbox")) == {}


@thorough
def test_its_money_is_sound_but_for_what_is_so() -> None:
    """A change amid a period is credited with a quantity below 0, and coupons are in the lines."""
    folder = made_once("week_later", found_and_go_on, DEFAULT, Path(__file__))
    found = Published(DEFAULT, folder / "sandbox").marts(
        "select entity, rule from marts.mart_data_hygiene where failing > 0 and rule <> 'all' "
        "and money_kind in ('spend', 'cost', 'invoiced', 'recurring', 'paid', 'credited')"
    )
    assert set(found.itertuples(index=False, name=None)) <= {
        ("costs", "next_month_missing"),  # booked on the first of the month after
        ("subscriptions", "not_invoiced"),
        ("credit_notes", "more_than_invoiced"),
        ("payments", "invoice_does_not_count"),  # voided after a part was paid
    }
