"""Goals and quotas of random companies: how far they are and where they land, beside pandas."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from dagster_project.run.clock import now
from ingestion.company.reading import load_company
from ingestion.contract.entities import ENTITIES
from ingestion.extension.folder import NOTHING
from ingestion.extension.metrics import metrics_of
from ingestion.pipeline import load_source
from tests.compiled_models import CompiledModels
from tests.conftest import Publish
from tests.kpis.companies import Published
from tests.thorough import IS_THOROUGH

AS_OF = dt.datetime(2024, 6, 20, 12)
TODAY = pd.Timestamp(AS_OF.date())
WORKED_TODAY = 3 / 8
"""Of its hours from 9 to 5, at noon."""
DAYS_OFF = [pd.Timestamp(day) for day in ("2024-05-01", "2024-07-04")]
COMPANY = """
name: Goals
currency: USD
timezone: UTC
fiscal_year_start_month: 2
as_of: 2024-06-20 12:00:00
calendar: {holidays: [2024-05-01, 2024-07-04]}
goals:
  - {name: revenue, metric: revenue_won, period: quarter, target: 900000}
  - {name: revenue of North, metric: revenue_won, of: {team: North}, period: year, target: 700000}
  - {name: deals of June, metric: deals_won, period: month, target: 30, from: 2024-06-01}
  - {name: few lost, metric: deals_lost, period: year, target: 90}
  - {name: none lost, metric: deals_lost, period: quarter, target: 0}
  - {name: of the newcomer, metric: deals_won, of: {rep: new}, period: quarter, target: 20}
  - {name: of the leaver, metric: deals_won, of: {rep: left}, period: quarter, target: 20}
  - {name: of nobody, metric: deals_won, of: {rep: nobody}, period: quarter, target: 20}
  - {name: of one who has none, metric: deals_won, of: {rep: idle}, period: quarter, target: 20}
  - {name: half, metric: win_rate, period: quarter, target: 0.5}
  - {name: few undecided, metric: no_decision_rate, period: year, target: 0.4}
  - {name: half by value, metric: win_rate, variant: by_value, period: quarter, target: 0.5}
  - {name: quick, metric: sales_cycle_days, variant: created, period: quarter, target: 45}
  - {name: large, metric: average_deal_size, variant: median, period: quarter, target: 9000}
  - {name: pipeline, metric: pipeline_value, period: quarter, target: 100000}
  - {name: early, metric: revenue_won, period: year, target: 1, from: 2019-02-01, until: 2021-03-01}
sources:
  - name: crm
    type: files
    path: .
    entities:
      users: {from: users.csv}
      opportunities: {from: opportunities.csv}
      quotas: {from: quotas.csv}
      pipeline_stages:
        rows:
          - {stage: Open, stage_order: 1, status: open, probability: 0.5}
          - {stage: Won, stage_order: 2, status: won, probability: 1}
          - {stage: Lost, stage_order: 3, status: lost}
          - {stage: Undecided, stage_order: 4, status: no_decision}
"""
USERS = """source_id,name,role,team,hired_on,left_on
a,Ann,rep,North,2020-01-01,
b,Bob,rep,North,2020-01-01,
left,Lea,rep,North,2020-01-01,2024-06-01
new,Nan,rep,South,2024-05-06,
c,Cid,rep,South,2020-01-01,
free,Fay,rep,East,2020-01-01,
idle,Ida,rep,East,2020-01-01,
"""
QUOTAS = """owner_id,team,period_start,period_grain,measure,amount
a,,2024-06-01,month,revenue,100000
a,,2024-05-01,month,revenue,100000
b,,2024-05-01,quarter,revenue,200000
,South,2024-05-01,quarter,revenue,300000
b,,2024-02-01,year,deals,90
"""
MONTHS = {"month": 1, "quarter": 3, "year": 12}
SEEDS = range(8 if IS_THOROUGH else 1)


def random_deals(seed: int) -> pd.DataFrame:
    """Deals of six reps, closed on any day of the week; some were refunded later."""
    chance = random.Random(seed)
    rows = []
    for number in range(900):
        owner = chance.choice(["a", "b", "left", "new", "c", "free"])
        first = {"new": "2024-05-06"}.get(owner, "2023-02-10")
        last = {"left": "2024-05-31"}.get(owner, "2024-06-19")
        days = (pd.Timestamp(last) - pd.Timestamp(first)).days
        closed = pd.Timestamp(first) + pd.Timedelta(hours=chance.randrange(24 * (days + 1)))
        if owner == "new" and number % 5:
            continue
        status = chance.choices(["won", "lost", "no_decision", "open"], [5, 3, 2, 1])[0]
        amount = round(chance.lognormvariate(9, 0.8), 2) * (-0.2 if chance.random() < 0.01 else 1)
        created = closed - pd.Timedelta(hours=chance.randrange(24, 24 * 90))
        rows.append((f"d{number}", owner, status, round(amount, 2), created, closed))
    names = ["source_id", "owner_id", "status", "amount", "created_at", "closed_at"]
    return pd.DataFrame(rows, columns=names)


@dataclass(frozen=True)
class Case:
    """A company, and its deals."""

    progress: pd.DataFrame
    closed: pd.DataFrame
    opened: pd.DataFrame

    def goal(self, name: str, start: str) -> pd.Series:
        """One goal in one period."""
        found = self.progress.loc[(name, pd.Timestamp(start))]
        assert isinstance(found, pd.Series)
        return found


@pytest.fixture(scope="module", params=SEEDS)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("goals")
    deals = random_deals(request.param)
    stages = {"won": "Won", "lost": "Lost", "no_decision": "Undecided", "open": "Open"}
    is_open = deals["status"] == "open"
    exported = deals.assign(
        stage=deals["status"].map(stages), closed_at=deals["closed_at"].mask(is_open)
    ).drop(columns="status")
    exported.to_csv(folder / "opportunities.csv", index=False)
    for name, text in {"company.yml": COMPANY, "users.csv": USERS, "quotas.csv": QUOTAS}.items():
        (folder / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SALESOPS_DATA", str(folder / "data"))
        company = load_company(folder / "company.yml")
        load_source(company, company.sources[0])
        CompiledModels.of(company).build(AS_OF, now(), ["mart_goal_progress"])
    published = Published(folder / "company.yml", folder / "data" / "goals")
    progress = published.warehouse("select * from marts.mart_goal_progress")
    progress["period_start"] = pd.to_datetime(progress["period_start"])
    indexed = progress.set_index(["goal", "period_start"]).sort_index()
    assert indexed.index.is_unique
    teams = pd.read_csv(folder / "users.csv").set_index("source_id")["team"]
    deals["team"] = deals["owner_id"].map(teams)
    return Case(indexed, deals[~is_open], deals[is_open])


def works(days: pd.DatetimeIndex) -> np.ndarray:
    """Which of some days are working days."""
    return np.asarray((days.dayofweek < 5) & ~days.isin(DAYS_OFF))


def working_days(first: pd.Timestamp, last: pd.Timestamp) -> int:
    return int(works(pd.date_range(first, last)).sum())


def end_of(start: pd.Timestamp, grain: str) -> pd.Timestamp:
    return start + pd.DateOffset(months=MONTHS[grain]) - pd.Timedelta(days=1)


def of_period(deals: pd.DataFrame, start: pd.Timestamp, grain: str) -> pd.DataFrame:
    days = deals["closed_at"].dt.normalize()
    return deals[(days >= start) & (days <= end_of(start, grain))]


SUMS = {
    "revenue": ("won", "amount", None, "up"),
    "revenue of North": ("won", "amount", ("team", "North"), "up"),
    "deals of June": ("won", 1, None, "up"),
    "few lost": ("lost", 1, None, "down"),
    "none lost": ("lost", 1, None, "down"),
    "of the newcomer": ("won", 1, ("owner_id", "new"), "up"),
    "of the leaver": ("won", 1, ("owner_id", "left"), "up"),
}
QUOTAS_OF = {
    "quota: monthly revenue of rep a": ["a"],
    "quota: quarterly revenue of rep b": ["b"],
    "quota: quarterly revenue of team North": ["a", "b"],
    "quota: quarterly revenue of team South": ["new", "c"],
    "quota: quarterly revenue of the company": ["a", "b", "new", "c"],
}
SINCE = {"of the newcomer": pd.Timestamp("2024-05-06")}
UNTIL = {"of the leaver": pd.Timestamp("2024-05-31")}


def landed(
    deals: pd.DataFrame, amounts: pd.Series, actual: float, goal: str, end: pd.Timestamp
) -> tuple[float, float, float] | None:
    """Landing and interval by the working days of the last 90 that are over."""
    days = pd.date_range(TODAY - pd.Timedelta(days=120), TODAY - pd.Timedelta(days=1))
    working = days[works(days)]
    since = max(TODAY - pd.Timedelta(days=90), SINCE.get(goal, pd.Timestamp.min))
    is_over = deals["closed_at"] < TODAY
    deals, amounts = deals[is_over], amounts[is_over]
    place = np.searchsorted(working, deals["closed_at"].dt.normalize(), side="right") - 1
    booked = amounts[place >= 0].groupby(working[place[place >= 0]]).agg(["sum", "count"])
    window = working[working >= since]
    lately = booked.reindex(window, fill_value=0)
    to_come = working_days(TODAY, min(end, UNTIL.get(goal, end))) - WORKED_TODAY
    if to_come <= 0:
        return actual, np.nan, np.nan
    if lately["count"].sum() < 10 or len(window) < 10:
        return None
    n, mean, spread = len(window), lately["sum"].mean(), lately["sum"].std(ddof=1)
    margin = stats.t.ppf(0.975, n - 1) * spread * np.sqrt(to_come + to_come**2 / n)
    landing = actual + to_come * mean
    low = landing - margin
    return landing, max(low, actual) if lately["sum"].min() >= 0 else low, landing + margin


@pytest.mark.parametrize("name", SUMS)
def test_what_adds_up_lands_by_the_working_days_of_late(case: Case, name: str) -> None:
    status, what, part, better = SUMS[name]
    deals = case.closed[case.closed["status"] == status]
    if part:
        deals = deals[deals[part[0]] == part[1]]
    amounts = deals["amount"] if what == "amount" else pd.Series(1.0, deals.index)
    for start, row in case.progress.loc[name].iterrows():
        assert isinstance(start, pd.Timestamp)
        grain, end = row["period_grain"], end_of(start, row["period_grain"])
        actual = amounts.loc[of_period(deals, start, grain).index].sum()
        assert row["actual"] == pytest.approx(actual)
        assert row["period_end"] == end
        assert row["better"] == better
        all_days = working_days(start, end)
        over = working_days(start, min(end, TODAY - pd.Timedelta(days=1)))
        assert (row["working_days"], row["days_left"]) == (all_days, all_days - over)
        elapsed = over + (WORKED_TODAY if end >= TODAY else 0)
        assert row["pace"] == pytest.approx(row["target"] * elapsed / all_days)
        if end < TODAY:
            assert row["landing"] == row["actual"]
            assert row[["low", "high"]].isna().all()
            reached = actual >= row["target"] if better == "up" else actual <= row["target"]
            assert row["verdict"] == ("met" if reached else "missed")
            continue
        expected = landed(deals, amounts, actual, name, end)
        found = tuple(row[["landing", "low", "high"]].astype(float))
        assert found == pytest.approx(expected or (np.nan,) * 3, rel=1e-4, nan_ok=True)
        if row["basis"] == "days" and name not in SINCE:
            assert row["landing_days"] == working_days(
                TODAY - pd.Timedelta(days=90), TODAY - pd.Timedelta(days=1)
            )
            # What came on days off at the beginning counts on a working day before.
            came = deals["closed_at"].between(TODAY - pd.Timedelta(days=90), TODAY, "left").sum()
            assert came - 5 <= row["landing_records"] <= came


@pytest.mark.parametrize("name", QUOTAS_OF)
def test_a_quota_lands_by_what_those_brought_whom_it_is_for(case: Case, name: str) -> None:
    deals = case.closed[
        (case.closed["status"] == "won") & case.closed["owner_id"].isin(QUOTAS_OF[name])
    ]
    start = pd.Timestamp("2024-06-01" if "monthly" in name else "2024-05-01")
    row = case.progress.loc[(name, start)]
    end = end_of(start, row["period_grain"])
    actual = of_period(deals, start, row["period_grain"])
    if name.endswith(("North", "company")):  # whose own quota ends in June
        covered = (deals["owner_id"] != "a") | (deals["closed_at"] < "2024-07-01")
        actual = actual[covered.loc[actual.index]]
    assert row["actual"] == pytest.approx(actual["amount"].sum())
    expected = landed(deals, deals["amount"], row["actual"], name, end)
    found = tuple(row[["landing", "low", "high"]].astype(float))
    assert found == pytest.approx(expected or (np.nan,) * 3, rel=1e-4, nan_ok=True)
    assert row["kind_of_goal"] == "quota"


def test_quotas_are_goals_of_periods_that_they_cover_and_not_of_parts(case: Case) -> None:
    """The quota of deals is of a year, that of revenue of a quarter, and of no other one."""
    quotas = case.progress[case.progress["kind_of_goal"] == "quota"].reset_index()
    of_b = set(quotas.loc[quotas["dimension_key"] == "b", "goal"])
    assert of_b == {
        "quota: quarterly revenue of rep b",
        "quota: yearly deals of rep b",
    }
    assert "free" not in set(quotas["dimension_key"])


def test_a_share_has_wilsons_interval(case: Case) -> None:
    closed = of_period(case.closed, pd.Timestamp("2024-05-01"), "quarter")
    won = int((closed["status"] == "won").sum())
    row = case.goal("half", "2024-05-01")
    interval = stats.binomtest(won, len(closed)).proportion_ci(method="wilson")
    assert row["actual"] == row["landing"] == pytest.approx(won / len(closed))
    assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high), rel=1e-5)
    assert row["pace"] == row["target"] == 0.5
    assert (pd.isna(row["landing_days"]), row["landing_records"]) == (True, len(closed))
    assert row["basis"] == "sample"


def test_a_mean_has_the_interval_of_t(case: Case) -> None:
    closed = of_period(case.closed, pd.Timestamp("2024-05-01"), "quarter")
    won = closed[closed["status"] == "won"]
    days = (won["closed_at"] - won["created_at"]).dt.total_seconds() / 86400
    # A bare midnight is a day: the days between are whole then.
    bare = won["closed_at"].eq(won["closed_at"].dt.normalize()) | won["created_at"].eq(
        won["created_at"].dt.normalize()
    )
    whole = (won["closed_at"].dt.normalize() - won["created_at"].dt.normalize()).dt.days
    days = days.mask(bare, whole)
    row = case.goal("quick", "2024-05-01")
    low, high = stats.t.interval(0.95, len(days) - 1, days.mean(), stats.sem(days))
    assert (row["landing"], row["low"], row["high"]) == pytest.approx(
        (days.mean(), low, high), rel=1e-4
    )
    assert row["landing_records"] == len(days)


def test_a_quotient_of_amounts_has_the_interval_of_its_residuals(case: Case) -> None:
    closed = of_period(case.closed, pd.Timestamp("2024-05-01"), "quarter")
    won = closed["amount"].where(closed["status"] == "won", 0)
    share = won.sum() / closed["amount"].sum()
    error = stats.sem(won - share * closed["amount"]) / closed["amount"].mean()
    margin = stats.t.ppf(0.975, len(closed) - 1) * error
    row = case.goal("half by value", "2024-05-01")
    assert (row["landing"], row["low"], row["high"]) == pytest.approx(
        (share, share - margin, share + margin), rel=1e-4
    )


def test_medians_and_states_are_as_they_are(case: Case) -> None:
    closed = of_period(case.closed, pd.Timestamp("2024-05-01"), "quarter")
    median = closed.loc[closed["status"] == "won", "amount"].median()
    for name, value in {"large": median, "pipeline": case.opened["amount"].sum()}.items():
        row = case.goal(name, "2024-05-01")
        assert row["landing"] == pytest.approx(value)
        assert row[["low", "high"]].isna().all()
        assert row["basis"] == "present"
        assert row["verdict"] == ("on_course" if value >= row["target"] else "behind")


def test_what_is_not_known_is_no_zero(case: Case) -> None:
    nobody = case.progress.loc["of nobody"]
    assert set(nobody["verdict"]) == {"undecidable"}
    assert set(nobody["why"]) == {"unknown_key"}
    idle = case.progress.loc["of one who has none"]
    assert (idle["actual"] == 0).all()
    assert set(idle["verdict"][idle["basis"] == "ended"]) == {"missed"}
    assert set(idle["why"].dropna()) == {"few_records"}
    # The calendar begins with the year before the first record.
    [(start, early)] = case.progress.loc["early"].iterrows()
    assert start == pd.Timestamp("2021-02-01")
    assert (pd.isna(early["actual"]), early["why"]) == (True, "no_value")


def test_none_are_lost_no_more_once_one_is(case: Case) -> None:
    assert set(case.progress.loc["none lost"]["verdict"]) == {"missed"}


def test_verdicts_say_what_the_numbers_say(case: Case) -> None:
    rows = case.progress
    up = np.where(rows["better"] == "up", 1, -1)
    ahead = {name: up * (rows[name] - rows["target"]) for name in ("actual", "low", "high")}
    best = np.fmax(ahead["low"], ahead["high"])
    worst = np.fmin(ahead["low"], ahead["high"])
    ended = rows["basis"] == "ended"
    goes_on = ~ended & rows["low"].notna()
    met, missed = rows["verdict"] == "met", rows["verdict"] == "missed"
    assert (ended <= (met | missed)).all()
    assert (met <= (ahead["actual"] >= 0)).all()
    assert (missed <= (ahead["actual"] < 0)).all()
    assert ((goes_on & (rows["verdict"] == "on_course")) <= (worst >= 0)).all()
    assert ((goes_on & (rows["verdict"] == "behind")) <= (best < 0)).all()
    undecided = goes_on & (rows["verdict"] == "undecidable")
    assert (undecided <= ((worst < 0) & (best >= 0))).all()
    assert (rows["landing"].isna() == rows["why"].notna()).all()
    assert (goes_on <= ((rows["low"] <= rows["landing"]) & (rows["landing"] <= rows["high"]))).all()
    assert {"met", "missed", "on_course", "behind", "undecidable"} >= set(rows["verdict"])


def test_metrics_without_periods_say_so(published: Publish) -> None:
    rows = published("edge_cases").marts(
        "select metric, variant, bool_or(period_grain <> 'all') as has_periods "
        "from marts.kpi_values group by metric, variant"
    )
    found = {(row.metric, row.variant): row.has_periods for row in rows.itertuples()}
    told = {
        (name, variant): said.is_dated
        for name, metric in metrics_of(NOTHING, ENTITIES).items()
        for variant, said in metric.variants.items()
    }
    assert {key for key, has in found.items() if has != told[key]} == set()
    assert {name for (name, _), dated in told.items() if not dated} >= {"stalled_value"}
