"""The business moment: what had happened by then, from all that has been loaded since."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import Publish
from tests.kpis.companies import TEST_COMPANIES, Published, publish
from tests.kpis.test_against_oracle import METRICS, differences, values
from tests.oracle import exports
from tests.oracle.values import expected
from tests.store import made_once
from tests.thorough import thorough

BEFORE = "before.json"
EDGE_CASES = TEST_COMPANIES["edge_cases"]


def files(published: Published) -> dict[str, str]:
    """Hashes of a company's files by path, but for the runs of other moments and the lock."""
    found = {path.relative_to(published.folder): path for path in published.folder.rglob("*")}
    return {
        str(name): hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in found.items()
        if path.is_file() and name.parts[0] not in ("as_of", "run.lock")
    }


def looking_back(published: Published, moment: str) -> Published:
    """A copy of the company after a run as of a moment; beside it, what files there were before."""

    def make(folder: Path) -> None:
        now = published.copied_to(folder)
        (folder / BEFORE).write_text(json.dumps(files(now)), encoding="utf-8")
        publish(now.company, now.folder.parent, "--as-of", moment)

    [run_id] = published.marts("select run_id from marts.publication")["run_id"]
    kind = f"{published.folder.name} {moment.replace(':', '')}"
    folder = made_once(kind, make, run_id, Path(__file__))
    return replace(published, folder=folder / "data" / published.folder.name)


@pytest.mark.parametrize(
    "moment",
    ["2025-09-30T16:00:00", pytest.param("2026-02-01T00:00:00", marks=thorough)],
)
def test_the_past_is_the_oracles(published: Publish, moment: str) -> None:
    now = looking_back(published("edge_cases"), moment)
    assert files(now) == json.loads((now.folder.parents[1] / BEFORE).read_text(encoding="utf-8"))
    past = now.as_of(f"{moment.replace(':', '')}")
    read = exports.edge_cases(EDGE_CASES.exports)
    wanted = expected(read, read.utc(moment)).values
    for metric in METRICS:
        found = differences(values(past, metric), wanted[wanted["metric"] == metric])
        assert not found, f"{metric}: {len(found)} differences\n" + "\n".join(found[:20])


@thorough
def test_bpi_open_applications_as_of_a_moment(published: Publish) -> None:
    """Open applications and their amount, straight from the raw events."""
    now = looking_back(published("bpi2012"), "2011-11-15T00:00")
    past = now.as_of("2011-11-15T0000")

    folder = TEST_COMPANIES["bpi2012"].exports
    moment = pd.Timestamp("2011-11-15", tz="Europe/Amsterdam")
    events = pd.read_csv(folder / "events.csv.gz")
    at = pd.to_datetime(events["timestamp"], utc=True, format="ISO8601")
    done = events[at <= moment]
    closed = done.loc[done["activity"].isin(["A_APPROVED", "A_DECLINED", "A_CANCELLED"]), "case_id"]
    submitted = done.loc[done["activity"] == "A_SUBMITTED", "case_id"]
    applications = pd.read_csv(folder / "applications.csv").set_index("case_id")["amount_req"]
    is_open = applications.index.isin(submitted) & ~applications.index.isin(closed)

    row = past.marts(
        "select value, n_included from marts.kpi_values where metric = 'pipeline_value' "
        "and variant = 'default' and period_grain = 'all' and dimension = 'company'"
    ).iloc[0]
    assert row["n_included"] == is_open.sum()
    assert row["value"] == applications[is_open].sum()
    assert past.kpi("deals_won") == done["activity"].eq("A_APPROVED").sum()
