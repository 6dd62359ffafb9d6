"""mart_skill_gaps of a simulated company, computed again with pandas and scipy."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ingestion.company.reading import load_company
from ingestion.paths import PROJECT
from ingestion.sandbox.world import World
from tests.compiled_models import CompiledModels
from tests.people.simulated import Company

MODELS = (
    *("int_led_visits", "int_skill_visits", "int_skill_comparisons", "int_skill_tests"),
    *("int_skill_lengths", "mart_skill_gaps"),
)
MOMENT = dt.datetime(2024, 12, 31, 12)
STAGE = ["pipeline", "stage"]
STRATUM = [*STAGE, "tenure", "quarter"]


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(World.create(3, 0.3))


@pytest.fixture(scope="module")
def gaps(company: Company) -> pd.DataFrame:
    compiled = CompiledModels.of(load_company(PROJECT / "tests/companies/closing/company.yml"))
    built = company.build(compiled, MODELS, MOMENT)
    return built.execute("from people.mart_skill_gaps").df().set_index(["rep_id", *STAGE])


@pytest.fixture(scope="module")
def visits(company: Company) -> pd.DataFrame:
    """The visits of a year with who led them at their end."""
    visits = company.tables["fct_stage_visits"]
    states = company.tables["int_opportunity_states"]
    owners = states.set_index(["opportunity_key", "valid_to"])["owner_id"]
    visits = visits[visits["exited_at"].notna()]
    visits = visits[(visits["exited_at"] >= "2024-01-01") & (visits["exited_at"] <= MOMENT)]
    at_end = pd.MultiIndex.from_frame(visits[["opportunity_key", "exited_at"]])
    visits = visits.assign(
        led_by=owners.reindex(at_end).to_numpy(),
        is_advanced=visits["ended_as"].isin(["advanced", "skipped", "won"]),
        quarter=visits["exited_at"].dt.to_period("Q"),
    )
    reps = company.tables["dim_rep"].set_index("rep_id")
    visits = visits[visits["led_by"].notna()]
    hired = pd.to_datetime(visits["led_by"].map(reps["hired_on"]))
    left = visits["exited_at"].dt.normalize()
    passed = [left >= hired + pd.DateOffset(months=months) for months in (3, 6, 12)]
    assert (visits["led_by"].map(reps["role"]) == "rep").all()
    return visits.assign(tenure=sum(it.astype(int) for it in passed))


def test_visits_are_counted_for_who_led_them(gaps: pd.DataFrame, visits: pd.DataFrame) -> None:
    counted = visits.groupby(["led_by", *STAGE])["is_advanced"].agg(["size", "sum"])
    counted.index.names = gaps.index.names
    assert counted["size"].to_dict() == gaps["n"].to_dict()
    assert counted["sum"].to_dict() == gaps["advanced"].to_dict()
    assert (visits["led_by"] != visits["rep_id"]).sum() > 20
    led = visits[visits["led_by"] == visits["rep_id"]].groupby(["led_by", *STAGE]).size()
    led.index.names = gaps.index.names
    assert led.to_dict() == gaps.loc[gaps["n_led"] > 0, "n_led"].to_dict()


def test_peers_are_others_in_the_same_stratum(gaps: pd.DataFrame, visits: pd.DataFrame) -> None:
    expected, worth = {}, {}
    for (rep, *stage), mine in visits.groupby(["led_by", *STAGE]):
        others = visits[(visits["led_by"] != rep) & (visits[STAGE] == stage).all(axis=1)]
        total = uncertainty = 0.0
        for stratum, of_stratum in mine.groupby(STRATUM):
            near = others[(others[STRATUM] == list(stratum)).all(axis=1)]
            peers = near if len(near) >= 10 else others
            total += len(of_stratum) * peers["is_advanced"].mean()
            uncertainty += len(of_stratum) ** 2 / len(peers)
        expected[rep, *stage] = total
        worth[rep, *stage] = min(int(len(mine) ** 2 / uncertainty + 1e-6), len(others))
    assert expected == pytest.approx(gaps["expected"].to_dict())
    assert worth == gaps["peer_visits"].to_dict()


def test_gaps_are_fishers_test_with_holms_correction(gaps: pd.DataFrame) -> None:
    tested = gaps[gaps["p_value"].notna()]
    is_enough = (gaps["n"] >= 10) & (gaps["peer_visits"] >= 10) & (gaps["n_peers"] >= 3)
    assert (gaps["is_enough_data"] == is_enough).all()
    assert (gaps["p_value"].notna() == is_enough & gaps["is_active"]).all()
    successes = (tested["peer_visits"] * tested["peer_conversion"] + 1e-6).astype(int)
    expected = stats.hypergeom.cdf(
        tested["advanced"],
        tested["n"] + tested["peer_visits"],
        tested["advanced"] + successes,
        tested["n"],
    )
    assert tested["p_value"].to_numpy() == pytest.approx(expected, rel=1e-6)
    in_order = np.sort(expected)
    corrected = np.minimum(np.maximum.accumulate(in_order * np.arange(len(in_order), 0, -1)), 1)
    assert np.sort(tested["p_value_corrected"]) == pytest.approx(corrected, rel=1e-6)
    led = zip(tested["conversion_led"].fillna(0.0) * tested["n_led"], tested["n_led"], strict=True)
    highest = [
        stats.binomtest(round(advanced), int(n)).proportion_ci(method="wilson").high if n else 1.0
        for advanced, n in led
    ]
    is_gap = (tested["p_value_corrected"] < 0.05) & (highest < tested["peer_conversion"])
    assert (tested["is_gap"] == is_gap).all()
    assert gaps[gaps["is_weakest"].fillna(False)].index.get_level_values(0).is_unique


def test_lengths_rank_within_quarters(gaps: pd.DataFrame, visits: pd.DataFrame) -> None:
    here = visits["led_by"].isin(gaps[gaps["is_active"]].index.get_level_values(0))
    own = visits[(visits["led_by"] == visits["rep_id"]) & here & (visits["tenure"] > 0)]
    for (rep, *stage), row in gaps[gaps["slow_p_value"].notna()].head(40).iterrows():
        here = own[(own[STAGE] == stage).all(axis=1)]
        above = variance = 0.0
        for _, quarter in here.groupby("quarter"):
            is_mine, days = (quarter["led_by"] == rep).to_numpy(), quarter["days"].to_numpy(float)
            n, records = is_mine.sum(), len(days)
            if not 0 < n < records:
                continue
            ranks = stats.rankdata(np.round(days, 6))
            above += (ranks[is_mine].sum() - n * (records + 1) / 2) / (records + 1)
            variance += n * (records - n) * ranks.var() / (records - 1) / (records + 1) ** 2
        expected = stats.norm.sf(above / np.sqrt(variance))
        assert row["slow_p_value"] == pytest.approx(expected, rel=1e-4)
