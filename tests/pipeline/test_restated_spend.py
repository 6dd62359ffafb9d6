"""Spend that an ad platform restates: what it was on each day, what it is now, and why it differs.

Raw tables are written as loads leave them; the sums that are expected are made by hand, or from the
same rows by pandas, which knows nothing of staging.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from dagster_project.publishing.replay import CONTRACT, News, _copy_raw, _is_known, news_since
from dagster_project.run.clock import now
from dagster_project.run.dbt_manifest import raw_tables_of_kpis
from dagster_project.run.dbt_runner import run_values
from dagster_project.run.opening import open_run
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.loading import appending
from ingestion.loading.appending import arrow_schema
from ingestion.pipeline import load_source
from ingestion.sources.ads.reader import Account
from ingestion.sources.google_ads import extraction as google_ads
from ingestion.sources.google_ads.tables import tables_of
from ingestion.warehouse.warehouse import Warehouse
from tests import raw_tables
from tests.ads.restating import FakeReader, Platform
from tests.compiled_models import CompiledModels, OnceParsed
from tests.ingestion.postgres_server import running_server
from tests.kpis.companies import Published
from tests.runs import run
from tests.thorough import thorough

COMPANY = """
name: Restated
currency: USD
timezone: America/New_York
as_of: 2026-01-31
sources:
  - name: rates
    type: files
    path: .
    entities:
      fx_rates:
        rows:
          - {day: 2026-01-01, from_currency: EUR, to_currency: USD, rate: 2}
          - {day: 2026-01-20, from_currency: EUR, to_currency: USD, rate: 3}
  - name: ads
    type: google_ads
"""
TABLES = tables_of({})
FIGURES = ["spend", "impressions", "clicks", "conversions", "conversion_value"]
Record = dict[str, Any]


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    """A company whose spend is an ad platform's, and of which rates alone are loaded."""
    return with_rates(COMPANY, tmp_path, monkeypatch)


def with_rates(settings: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    """A company by its settings, with its rates."""
    monkeypatch.setenv("SALESOPS_DATA", str(folder / "data"))
    file = folder / "company.yml"
    file.write_text(settings)
    company = load_company(file)
    load_source(company, company.sources[0])
    return company


def load(company: Company, folder: Path, **tables: Sequence[Record]) -> dt.datetime:
    """Append a load of the platform, and say when it was known."""
    batches = {
        name: [
            pa.RecordBatch.from_pylist(
                [{"source_instance": "ads", "row_hash": 0, **row} for row in rows],
                schema=arrow_schema(TABLES[name]),
            )
        ]
        for name, rows in tables.items()
    }
    warehouse = Warehouse.of(company)
    how = raw_tables if warehouse.name == "duckdb" else appending
    how.append(warehouse, "raw_google_ads", TABLES, batches, folder / "dlt")
    return now()


def campaign_day(campaign: str, day: str, spend: Decimal | int, **values: object) -> Record:
    """A campaign's day in an account in euros."""
    return {
        "source_id": f"1/{campaign}/{day}",
        "account": "1",
        "campaign": campaign,
        "day": dt.date.fromisoformat(day),
        "currency": "EUR",
        "spend": spend,
        "impressions": 0,
        "clicks": 0,
        "conversions": 0,
        "conversion_value": 0,
        "is_partial": False,
    } | values


def ad_day(campaign: str, ad: str, day: str, spend: Decimal | int, **values: object) -> Record:
    """An ad's day in it."""
    own = {"source_id": f"1/{campaign}/g/{ad}/{day}", "ad_group": "g", "ad": ad}
    return campaign_day(campaign, day, spend) | own | values


def spend_by_month(warehouse: str) -> dict[str, float]:
    """What `fct_spend_daily` has, in the company's currency."""
    with duckdb.connect(warehouse) as connection:
        rows = connection.execute(
            """select strftime(day, '%Y-%m'), sum(spend) from marts.fct_spend_daily
            group by all order by all"""
        ).fetchall()
    return {month: float(spend) for month, spend in rows}


def as_known(company: Company, known_at: dt.datetime) -> dict[str, float]:
    """Spend by month as of the company's moment, from what was known at one."""
    assert company.own_as_of
    CompiledModels.of(company).build(company.own_as_of, known_at, ["fct_spend_daily"])
    return spend_by_month(str(CompiledModels.of(company).warehouse))


def test_spend_is_what_it_was_said_to_be_on_each_day(company: Company, tmp_path: Path) -> None:
    """Today is partial, an ad is deleted after it spent, a day vanishes, the past is credited."""
    first = load(
        company,
        tmp_path,
        campaign_days=[
            campaign_day("c1", "2026-01-05", 10),
            campaign_day("c1", "2026-01-06", 4, is_partial=True),
            campaign_day("c2", "2026-01-05", 7),
        ],
        ad_days=[ad_day("c1", "a1", "2026-01-05", 6), ad_day("c1", "a2", "2026-01-05", 4)],
    )
    second = load(
        company,
        tmp_path,
        campaign_days=[
            campaign_day("c1", "2026-01-06", 9),
            campaign_day("c2", "2026-01-05", 7, is_deleted=True),
        ],
        ad_days=[ad_day("c1", "a2", "2026-01-05", 4, is_deleted=True)],
    )
    third = load(company, tmp_path, campaign_days=[campaign_day("c1", "2026-01-05", -2)])
    assert as_known(company, first) == {"2026-01": 2 * (10 + 4 + 7)}
    assert as_known(company, second) == {"2026-01": 2 * (10 + 9)}
    assert as_known(company, third) == {"2026-01": 2 * (-2 + 9)}
    rows = Warehouse.of(company).read(
        "select ad, spend_native from marts.fct_spend_daily where day = date '2026-01-05'"
    )
    assert {(row["ad"], row["spend_native"]) for row in rows.to_pylist()} == {("a1", 6), (None, -8)}


def test_why_spend_was_restated(company: Company, tmp_path: Path) -> None:
    """A credit of a day of which nothing was known is late; all else that is of it is corrected.

    A day that the platform tells for the first time after the publication's moment is neither, nor
    is one that only the ads tell of, in another way than before, any change.
    """
    since = load(
        company,
        tmp_path,
        campaign_days=[
            campaign_day("corrected", "2026-01-05", 10),
            campaign_day("vanished", "2026-01-21", 7),
            campaign_day("split_anew", "2026-01-05", 5),
            campaign_day("partial", "2026-01-31", 1, is_partial=True),
        ],
        ad_days=[ad_day("split_anew", "a1", "2026-01-05", 5)],
    )
    load(
        company,
        tmp_path,
        campaign_days=[
            campaign_day("corrected", "2026-01-05", 8),
            campaign_day("vanished", "2026-01-21", 7, is_deleted=True),
            campaign_day("credit", "2026-01-22", -4),
            campaign_day("partial", "2026-01-31", 3),
            campaign_day("corrected", "2026-02-01", 100),
        ],
        ad_days=[
            ad_day("split_anew", "a1", "2026-01-05", 2),
            ad_day("split_anew", "a2", "2026-01-05", 3),
        ],
    )
    assert company.own_as_of
    news = News(company.own_as_of, since, now())
    raw = raw_tables_of_kpis(OnceParsed.of(company).manifest())
    raw = {f"raw_{it}": raw[f"raw_{it}"] for it in company.source_types}
    spend = {}
    with open_run(company, "again") as run:
        assert set(news_since(run, news, raw)) == {"late_facts", "corrections"}
        for cause in ("definition_change", "late_facts", "corrections"):
            (tmp_path / cause).mkdir()
            known = Warehouse("duckdb", str(tmp_path / cause / "warehouse.duckdb"))
            _copy_raw(run, raw, known, partial(_is_known, run, news, cause))
            models = replace(CompiledModels.of(company), warehouse=Path(known.location))
            models.build(news.as_of, news.until, ["fct_spend_daily"])
            spend[cause] = spend_by_month(known.location)["2026-01"]
    then = 2 * (10 + 5) + 3 * (7 + 1)
    assert spend["definition_change"] == then == as_known(company, since)["2026-01"]
    late = spend["late_facts"] - then
    corrected = spend["corrections"] - spend["late_facts"]
    assert (late, corrected) == (3 * -4, 2 * -2 + 3 * (-7 + 2))
    assert as_known(company, news.until)["2026-01"] == then + late + corrected


def test_a_new_day_is_no_news_of_the_past(company: Company, tmp_path: Path) -> None:
    """Else each daily load would have all KPIs built again."""
    load(company, tmp_path, campaign_days=[campaign_day("c1", "2026-01-31", 10)])
    since = now()
    load(
        company,
        tmp_path,
        campaign_days=[campaign_day("c1", "2026-02-01", 10)],
        ad_days=[ad_day("c1", "a1", "2026-02-01", 10)],
    )
    assert company.own_as_of
    assert "raw_google_ads" not in CONTRACT
    raw = {"raw_google_ads": ["campaign_days", "ad_days"]}
    with open_run(company, "again") as run:
        assert list(news_since(run, News(company.own_as_of, since, now()), raw)) == []


def now_told_by(platform: Platform) -> None:
    """Within a run: Google Ads is a platform that the test writes."""
    vars(google_ads)["GoogleAdsReader"] = lambda source, patience: FakeReader(platform)


@thorough
def test_what_is_published_says_why_it_was_restated(tmp_path: Path) -> None:
    """Two publications of January: of 3 February, and of a week later, when it has changed."""
    company, data = tmp_path / "company.yml", tmp_path / "data"
    platform = Platform(now=dt.datetime(2026, 2, 3, 12))
    platform.accounts = [Account("1", "Main", "EUR", "UTC", "ENABLED")]

    def publish(as_of: str) -> Published:
        company.write_text(COMPANY.replace("2026-01-31", as_of))
        done = run(company, data, tampered=partial(now_told_by, platform))
        assert done.returncode == 0, done.stdout + done.stderr
        return Published(company, data / "restated")

    for campaign, day, spend in (
        ("corrected", "2026-01-05", "10"),
        ("vanished", "2026-01-21", "7"),
        ("as_it_was", "2026-01-21", "50"),
    ):
        platform.spend(campaign, day, spend, account="1")
    january = {"period_grain": "month", "period_start": "2026-01-01"}
    assert publish("2026-02-03").kpi("marketing_spend", "ads", **january) == 2 * 10 + 3 * 57
    platform.now = dt.datetime(2026, 2, 10, 12)
    platform.spend("corrected", "2026-01-05", "8", account="1")
    del platform.days["1", "vanished", "2026-01-21"]
    platform.spend("credit", "2026-01-22", "-4", account="1")
    platform.spend("as_it_was", "2026-02-09", "60", account="1")
    rows = publish("2026-02-10").marts(
        """select first_value, late_facts, corrections, definition_change, later_events, value
        from marts.mart_restatements
        where metric = 'marketing_spend' and variant = 'ads' and dimension = 'company'
        and period_grain = 'month' and period_start = '2026-01-01'"""
    )
    assert rows.to_dict("records") == [
        {
            "first_value": 20 + 171,
            "late_facts": -12,
            "corrections": -4 - 21,
            "definition_change": 0,
            "later_events": 0,
            "value": 2 * 8 + 3 * (50 - 4),
        }
    ]


SUMS = """select campaign_id as campaign, cast(day as varchar) as day, sum(spend_native) as spend,
    sum(spend) as in_dollars,
    sum(impressions) as impressions, sum(clicks) as clicks, sum(conversions) as conversions,
    sum(conversion_value_native) as conversion_value
    from marts.fct_spend_daily group by campaign_id, day"""


@pytest.mark.parametrize("seed", [1, *(pytest.param(it, marks=thorough) for it in range(2, 8))])
def test_parts_are_the_campaign_and_the_account(
    company: Company, tmp_path: Path, seed: int
) -> None:
    """After any loads: per day the rows of a campaign add up to what is said of it last.

    So they do in the company's currency, to the cent.
    """
    latest = load_restatements(company, tmp_path, seed)
    assert company.own_as_of
    CompiledModels.of(company).build(company.own_as_of, now(), ["fct_spend_daily"])
    _assert_same(Warehouse.of(company).read(SUMS).to_pandas(), _expected(latest))


def test_parts_are_the_campaign_on_postgres(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_server() as server:
        monkeypatch.setenv("SALESOPS_POSTGRES_URL", server)
        company = with_rates(f"destination: postgres{COMPANY}", tmp_path, monkeypatch)
        latest = load_restatements(company, tmp_path, seed=9)
        assert company.own_as_of
        values = run_values(company.own_as_of, now(), company_as_of=company.own_as_of)
        dbt = OnceParsed.of(company)
        selected = ["--select", "+fct_spend_daily", *dbt.without_others]
        dbt.build(values, selected, lambda result: None)
        _assert_same(Warehouse.of(company).read(SUMS).to_pandas(), _expected(latest))


def load_restatements(
    company: Company, folder: Path, seed: int
) -> Mapping[str, Mapping[str, Record]]:
    """Load what a platform may say, three times; the latest versions of all rows by their ids."""
    draw = random.Random(seed)
    keys = [(c, day) for c in ("c1", "c2", "c3") for day in range(1, 6)]
    latest: dict[str, dict[str, Record]] = {"campaign_days": {}, "ad_days": {}}
    for _ in range(3):
        told: dict[str, list[Record]] = {"campaign_days": [], "ad_days": []}
        for campaign, number in keys:
            day = f"2026-01-{number:02}"
            if draw.random() < 0.5:
                told["campaign_days"].append(campaign_day(campaign, day, **_figures(draw)))
            told["ad_days"] += [
                ad_day(campaign, f"{campaign}{ad}", day, **_figures(draw))
                for ad in ("a1", "a2")
                if campaign != "c3" and draw.random() < 0.5
            ]
        for table, rows in told.items():
            latest[table] |= {row["source_id"]: row for row in rows}
        load(company, folder, **told)
    return latest


def _figures(draw: random.Random) -> Record:
    """Figures of a day: some unknown, some 0, and now and then the day has vanished."""
    known = draw.random() < 0.8
    return {
        "spend": Decimal(draw.choice([0, draw.randrange(-5_000_000, 20_000_000)])).scaleb(-6),
        "impressions": draw.randrange(50) if known else None,
        "clicks": draw.randrange(9),
        "conversions": draw.randrange(4) if known else None,
        "conversion_value": draw.randrange(40) if known else None,
        "is_deleted": draw.random() < 0.2,
    }


def _expected(latest: Mapping[str, Mapping[str, Record]]) -> pd.DataFrame:
    """What the days of campaigns come to: their own figures, or those of their ads."""

    def live(table: str) -> pd.DataFrame:
        rows = [row for row in latest[table].values() if not row["is_deleted"]]
        frame = pd.DataFrame(rows, columns=["campaign", "day", *FIGURES])
        days = frame.astype(dict.fromkeys(FIGURES, float)).groupby(["campaign", "day"])
        return days.sum(min_count=1)

    campaigns, ads = live("campaign_days"), live("ad_days")
    both = campaigns.join(ads, how="outer", rsuffix="_of_ads")
    of_ads = {figure: both[f"{figure}_of_ads"] for figure in FIGURES}
    own = pd.DataFrame({figure: both[figure].fillna(of_ads[figure]) for figure in FIGURES})
    fewer = of_ads["conversions"] > both["conversions"]
    lacking = both["conversions"].isna() & of_ads["conversions"].notna()
    for figure in ("conversions", "conversion_value"):
        own.loc[fewer | lacking, figure] = of_ads[figure][fewer | lacking]
    own["in_dollars"] = [float(_dollars(spend)) for spend in own["spend"]]
    return own.reset_index()


def _dollars(euros: float) -> Decimal:
    """A day's spend at the rate of its day, rounded once."""
    return (2 * Decimal(f"{euros:.6f}")).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Days on which nothing is there at all need no row; of what is NULL nothing is known."""
    sides = []
    for frame in (found, expected):
        frame = frame.assign(day=frame["day"].astype(str)).set_index(["campaign", "day"])
        frame = frame[[*FIGURES, "in_dollars"]].astype(float).fillna(0).round(6).sort_index()
        sides.append(frame[(frame != 0).any(axis=1)])
    pd.testing.assert_frame_equal(*sides)
