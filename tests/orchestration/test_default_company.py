"""The default company: founded, read over HTTP and published, then once more after a week."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

from ingestion.paths import PROJECT
from tests.kpis.companies import Published, publish

DEFAULT = PROJECT / "company.yml"
WEEK = dt.timedelta(days=7)


def requests(company: Published) -> int:
    """How often the last run asked the CRM."""
    log = company.folder / "sandbox" / "requests.jsonl"
    return len([json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()])


def deals(company: Published) -> int:
    """Versions of deals that have been loaded."""
    return int(company.warehouse("select count(*) as n from raw_hubspot.deals")["n"].iloc[0])


def test_a_week_later_only_what_changed_is_loaded(tmp_path: Path) -> None:
    company = Published(DEFAULT, tmp_path / "sandbox")
    publish(DEFAULT, tmp_path, "--scale", "0.03", "--seed", "11")
    moment = "select max(as_of) as as_of from marts.kpi_values"
    [first] = company.marts(moment)["as_of"]
    asked, loaded, won = requests(company), deals(company), company.kpi("deals_won")

    publish(DEFAULT, tmp_path, "--days", "7")
    [later] = company.marts(moment)["as_of"]
    assert later - first == WEEK
    assert 0 < deals(company) - loaded < loaded / 10
    assert requests(company) < asked / 2
    assert company.kpi("deals_won") >= won
    restated = company.marts("select distinct first_run_id from marts.mart_restatements")
    assert len(restated) >= 1
