"""The statistics of dbt/macros/statistics.sql, against scipy and against worked examples."""

from __future__ import annotations

import duckdb
import jinja2
import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from ingestion.paths import PROJECT
from tests.thorough import IS_THOROUGH

MACROS = "".join(
    (PROJECT / "dbt" / "macros" / name).read_text(encoding="utf-8")
    for name in ("engines.sql", "values.sql", "statistics.sql")
)


def sql(expression: str) -> str:
    """An expression of the macros as DuckDB's SQL."""
    return jinja2.Environment().from_string(MACROS + "{{ " + expression + " }}").render()


def column(expression: str, rows: pd.DataFrame) -> np.ndarray:
    """The values of an expression over rows."""
    found = duckdb.query(f"select {sql(expression)} as value from rows").df()["value"]
    return found.to_numpy(float)


def test_factorials() -> None:
    rows = pd.DataFrame({"n": [*range(200), 10**4, 10**6]})
    expected = special.gammaln(rows["n"] + 1)
    assert column("ln_factorial('n')", rows) == pytest.approx(expected, rel=1e-12, abs=1e-9)


def test_fishers_exact_test() -> None:
    random = np.random.default_rng(0)
    for _ in range(60 if IS_THOROUGH else 20):
        n, others = (int(it) for it in random.integers(1, 400, 2))
        advanced = int(random.integers(0, n + 1))
        successes = advanced + int(random.integers(0, others + 1))
        first = max(n + successes - n - others, 0)
        rows = pd.DataFrame({"k": range(first, advanced + 1)})
        rows = rows.assign(n=n, successes=successes, records=n + others)
        p_value = column("hypergeometric('k', 'n', 'successes', 'records')", rows).sum()
        _, expected = stats.fisher_exact(
            [[advanced, n - advanced], [successes - advanced, others - successes + advanced]],
            alternative="less",
        )
        assert p_value == pytest.approx(expected, rel=1e-7)


def test_the_tail_of_the_normal_distribution() -> None:
    rows = pd.DataFrame({"z": np.linspace(-8, 30, 2_000)})
    assert column("normal_tail('z')", rows) == pytest.approx(stats.norm.sf(rows["z"]), rel=2e-7)


@pytest.mark.parametrize("is_rounded", [False, True])
def test_ranks_among_all(is_rounded: bool) -> None:
    random = np.random.default_rng(1)
    values = random.exponential(10, 300)
    values = np.round(values) if is_rounded else values
    is_first = np.arange(300) < 40
    places = stats.rankdata(values)
    _, tied = np.unique(values, return_counts=True)
    rows = pd.DataFrame(
        {
            "rank_sum": [places[is_first].sum()],
            "n": 40,
            "records": 300,
            "ties": (tied**3 - tied).sum(),
        }
    )
    expected = stats.mannwhitneyu(
        values[is_first],
        values[~is_first],
        use_continuity=False,
        alternative="greater",
        method="asymptotic",
    )
    z = column("rank_z('rank_sum', 'n', 'records', 'ties')", rows)
    assert stats.norm.sf(z)[0] == pytest.approx(expected.pvalue, rel=1e-9)


def test_the_interval_of_a_difference() -> None:
    """The example of Newcombe's paper: 56 of 70 and 48 of 80 differ by 0.0524 to 0.3339."""
    rows = pd.DataFrame({"p": [56 / 70], "q": [48 / 80], "n": [70.0], "m": [80.0]})
    margin = {
        (share, side): column(f"squared_margin('{share}', '{n}', '{side}')", rows)[0]
        for share, n in (("p", "n"), ("q", "m"))
        for side in ("low", "high")
    }
    low = 0.2 - np.sqrt(margin["p", "low"] + margin["q", "high"])
    high = 0.2 + np.sqrt(margin["p", "high"] + margin["q", "low"])
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    wilson = stats.binomtest(56, 70).proportion_ci(method="wilson")
    assert 0.8 - np.sqrt(margin["p", "low"]) == pytest.approx(wilson.low, abs=1e-6)


def test_an_interval_that_just_reaches_none_is_at_one_in_twenty() -> None:
    rows = pd.DataFrame(
        {
            "effect": [0.1, -0.1, 0.1, 0.0],
            "low": [0.0, -0.3, 0.05, -0.1],
            "high": [0.3, 0.0, 0.2, 0.1],
        }
    )
    found = column("p_value_of_interval('effect', 'low', 'high')", rows)
    expected = [0.05, 0.05, 2 * stats.norm.sf(2 * 1.959964), 1]
    assert found == pytest.approx(expected, rel=1e-6)


def test_holms_correction() -> None:
    """A worked example, with a chance that is not known, which is no test."""
    rows = "(1, 0.01), (2, 0.04), (3, null), (4, 0.03), (5, 0.005)"
    order = "p_value nulls last, id"
    times_left = sql(f"times_tests_left('p_value', '{order}')")
    corrected = sql(f"greatest_so_far('times_left', '{order}')")
    found = duckdb.execute(
        f"""
        with
            given as (select * from (values {rows}) as given(id, p_value)),
            tests as (select id, cast(p_value as double) as p_value from given),
            in_turn as (select *, {times_left} as times_left from tests)
        select case when p_value is not null then {corrected} end from in_turn order by id
        """
    ).fetchall()
    assert [it[0] for it in found] == pytest.approx([0.03, 0.06, None, 0.06, 0.02])
