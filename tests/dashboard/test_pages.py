"""The dashboard's pages carry what was published, load nothing, and run nothing but their own."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from dagster_project.dashboard import pages as writing
from dagster_project.dashboard.boards import BOARDS, INDEX, PAGES, PAIRS, PEOPLE_PAGE, boards_of
from dagster_project.dashboard.pages import PageError, as_json, drawable, write_pages
from dagster_project.dashboard.pairs import JOINED
from dagster_project.dashboard.special.boards import SPECIAL_BOARDS
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from tests.conftest import Publish
from tests.dashboard.pages import Number, Page
from tests.kpis.companies import Published

HOSTILE = "</script><script>alert(1)</script><!-- & \u2028 '\"=cmd()"
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def edge_cases(published: Publish) -> Published:
    return published("edge_cases")


@pytest.fixture(scope="module")
def pages(edge_cases: Published) -> Mapping[str, Page]:
    return pages_of(edge_cases.folder / "published")


def pages_of(folder: Path) -> dict[str, Page]:
    files = [*(folder / "dashboard").glob("*.html"), *(folder / "people").glob("*.html")]
    return {file.stem: Page(file.read_text(encoding="utf-8")) for file in files}


def copied(published: Published, to: Path) -> Path:
    """The files of a publication without its pages."""
    to.mkdir()
    for name in ("salesops.duckdb", "people.duckdb"):
        shutil.copy(published.folder / "published" / name, to)
        (to / name).chmod(0o600)
    return to


def company_of(published: Published, **changes: object) -> Company:
    return load_company(published.company).model_copy(update=changes)


def test_a_publication_has_all_pages(pages: Mapping[str, Page]) -> None:
    assert pages.keys() == {page.key for page in PAGES}


def test_pages_have_all_boards_of_metrics_that_the_company_has(
    edge_cases: Published, pages: Mapping[str, Page]
) -> None:
    rows = edge_cases.marts("select distinct metric, variant from marts.kpi_values")
    known = set(rows.itertuples(index=False, name=None))
    for name, page in pages.items():
        kpis = [it.key for it in boards_of(name) if (it.metric, it.variant) in known]
        special = [it.key for it in SPECIAL_BOARDS if it.page == name]
        placed = [it["data-board"] for _, it in page.elements if "data-board" in it]
        assert sorted(placed) == sorted(kpis + special)
        assert len(set(placed)) == len(placed)


def test_boards_are_of_metrics_that_there_are(edge_cases: Published) -> None:
    rows = edge_cases.marts("select metric, variant from marts.kpi_variants")
    known = set(rows.itertuples(index=False, name=None))
    assert {(board.metric, board.variant) for board in BOARDS} <= known


def test_every_number_is_that_of_kpi_values(
    edge_cases: Published, pages: Mapping[str, Page]
) -> None:
    rows = edge_cases.marts(
        """select metric, variant, period_grain, cast(period_start as varchar), dimension,
            dimension_key, value, n_included, n_excluded
        from marts.kpi_values"""
    )
    told = {row[:6]: row[6:] for row in rows.replace({float("nan"): None}).itertuples(False, None)}
    numbers = [it for page in pages.values() for it in page.numbers() if it.cut not in PAIRS]
    assert len(numbers) > 5_000
    for it in numbers:
        key = (it.metric, it.variant, it.grain, it.start, it.cut, it.key)
        value, included, excluded = told[key]
        assert (it.records, it.left_out) == (included, excluded)
        assert it.value == (value if value is None else pytest.approx(value, abs=1e-8, rel=1e-12))


def test_no_number_of_a_shown_key_and_period_is_left_out(
    edge_cases: Published, pages: Mapping[str, Page]
) -> None:
    for page in pages.values():
        if not page.data.get("metrics"):
            continue
        starts = [
            (grain["name"], start) for grain in page.data["grains"] for start in grain["starts"]
        ]
        keys = [(cut["name"], key) for cut in page.data["cuts"] for key in cut["keys"]]
        shown = {
            (it.metric, it.variant, it.grain, it.start, it.cut, it.key) for it in page.numbers()
        }
        for metric in page.data["metrics"]:
            rows = edge_cases.marts(
                """select period_grain, cast(period_start as varchar), dimension, dimension_key
                from marts.kpi_values
                where metric = ? and variant = ? and period_start is not null""",
                [metric["metric"], metric["variant"]],
            )
            for grain, start, cut, key in rows.itertuples(index=False, name=None):
                if (grain, start) in starts and (cut, key) in keys:
                    assert (metric["metric"], metric["variant"], grain, start, cut, key) in shown


@pytest.mark.parametrize("pair", PAIRS)
def test_pairs_are_what_pandas_makes_of_the_members(
    edge_cases: Published, pages: Mapping[str, Page], pair: str
) -> None:
    """Of all metrics but products; of states of an end the months."""
    members = edge_cases.marts("select * from marts.kpi_members")
    variants = edge_cases.marts("select * from marts.kpi_variants").set_index(["metric", "variant"])
    dates = edge_cases.marts("select fiscal_year_start from marts.dim_date")
    first_month = dates.fiscal_year_start.iloc[0].month
    first, second = PAIRS[pair]
    members["day"] = pd.to_datetime(members.period_on)
    members["pair"] = members[first] + JOINED + members[second]
    members = members[members.pair.notna() & members.day.notna()]
    numbers = {it for page in pages.values() for it in page.numbers() if it.cut == pair}
    assert len(numbers) > 200
    compared = 0
    for it in numbers:
        variant = variants.loc[(it.metric, it.variant)]
        if variant.kind == "product" or (
            variant.state == "end" and it.grain not in ("month", "week")
        ):
            continue
        assert it.start
        begin, end = period(it.grain, dt.date.fromisoformat(it.start), first_month)
        of = members[
            (members.metric == it.metric)
            & (members.variant == it.variant)
            & (members.pair == it.key)
            & (members.day >= begin)
            & (members.day < end)
            & members.counts_in.fillna(it.grain).str.contains(it.grain)
        ]
        check(it, of, variant)
        compared += 1
    assert compared > 150


def check(it: Number, members: pd.DataFrame, variant: pd.Series) -> None:
    counted = members[members.exclusion_reason.isna()]
    assert it.records == (counted.side.isna()).sum(), it
    assert it.left_out == (members.exclusion_reason.notna() & members.side.isna()).sum(), it
    if it.value is None and variant.kind == "sum":
        assert it.left_out, it
        return
    numerator = float(counted.numerator.astype(float).sum())
    if variant.kind == "sum":
        expected = numerator
    elif variant.kind == "median":
        expected = float(counted.numerator.astype(float).median())
    else:
        denominator = float(counted.denominator.astype(float).sum())
        expected = numerator / denominator if denominator else float("nan")
    if it.value is None:
        assert pd.isna(expected) or variant.state, it
    else:
        assert it.value == pytest.approx(expected, abs=1e-6), it


def period(grain: str, start: dt.date, first_month: int) -> tuple[pd.Timestamp, pd.Timestamp]:
    begin = pd.Timestamp(start)
    assert grain not in ("quarter", "year") or (start.month - first_month) % 3 == 0
    if grain == "week":
        return begin, begin + pd.Timedelta(days=7)
    return begin, begin + pd.DateOffset(months={"month": 1, "quarter": 3, "year": 12}[grain])


def test_targets_are_those_of_the_goals(edge_cases: Published, pages: Mapping[str, Page]) -> None:
    data = pages[INDEX].data
    grains = {grain["name"]: grain for grain in data["grains"]}
    labels = {cut["name"]: cut["keys"] for cut in data["cuts"]}
    goals = edge_cases.marts(
        """select metric, variant, period_grain, cast(period_start as varchar), dimension,
            dimension_key, target from marts.mart_goal_progress where kind_of_goal = 'goal'"""
    )
    told = set(goals.itertuples(index=False, name=None))
    assert data["targets"]
    for metric, grain, i, cut, key, target in data["targets"]:
        of = data["metrics"][metric]
        start = grains[grain]["starts"][i]
        key = labels[cut][key]
        assert (of["metric"], of["variant"], grain, start, cut, key, target) in told


def test_targets_are_those_of_the_headlines(
    edge_cases: Published, pages: Mapping[str, Page]
) -> None:
    """Quotas are none: the table of headlines, which BI tools read, has no other targets."""
    data = pages[INDEX].data
    starts = {grain["name"]: grain["starts"] for grain in data["grains"]}
    keys = {cut["name"]: cut["keys"] for cut in data["cuts"] if cut["name"] not in PAIRS}
    told = {
        (
            data["metrics"][metric]["metric"], grain, starts[grain][i], cut, keys[cut][key]
        ): target
        for metric, grain, i, cut, key, target in data["targets"]
    }  # fmt: skip
    headlines = edge_cases.marts(
        "select * replace (cast(period_start as varchar) as period_start) from marts.mart_headlines"
    ).to_dict("records")
    expected, present = {}, set()
    for row in headlines:
        grain, start, cut, key = (
            row[name] for name in ("period_grain", "period_start", "dimension", "dimension_key")
        )
        if start in starts.get(grain, []) and key in keys.get(cut, []):
            for metric in {it["metric"] for it in data["metrics"]}:
                if pd.notna(row.get(f"{metric}_target")):
                    expected[metric, grain, start, cut, key] = row[f"{metric}_target"]
                present.add((metric, grain, start, cut, key))
    assert {at: target for at, target in told.items() if at in present} == expected
    assert expected


def test_the_policy_lets_the_pages_own_scripts_run_and_nothing_else(
    pages: Mapping[str, Page],
) -> None:
    for page in pages.values():
        [policy] = [it["content"] for it in page.named("meta") if it.get("http-equiv")]
        assert policy
        hashes = re.findall(r"'(sha256-[^']+)'", policy)
        own = [
            "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
            for script in page.scripts
        ]
        assert hashes == own
        assert policy.startswith("default-src 'none'; script-src 'sha256-")
        assert "unsafe-eval" not in policy
        assert not [name for _, it in page.elements for name in it if name.startswith("on")]


def test_pages_load_nothing_and_lead_to_each_other(
    edge_cases: Published, pages: Mapping[str, Page]
) -> None:
    for name, page in pages.items():
        folder = "people" if name == PEOPLE_PAGE else "dashboard"
        here = edge_cases.folder / "published" / folder
        assert not [it for _, it in page.elements if "src" in it]
        links = [it["href"] or "" for it in page.named("a")]
        assert len([link for link in links if not link.startswith("#")]) == len(PAGES)
        for link in links:
            assert link.startswith("#") or (here / link).is_file()
        assert [it["href"] for it in page.named("link")] == ["data:,"]


def test_the_page_of_people_is_as_closed_as_their_file(edge_cases: Published) -> None:
    folder = edge_cases.folder / "published"
    assert stat.S_IMODE((folder / "people" / "people.html").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "people").stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "dashboard" / "index.html").stat().st_mode) == 0o444
    assert stat.S_IMODE((folder / "dashboard").stat().st_mode) == 0o755


def test_only_the_page_of_people_reads_their_file(edge_cases: Published, tmp_path: Path) -> None:
    folder = copied(edge_cases, tmp_path / "run")
    (folder / "people.duckdb").unlink()
    write_pages(folder, company_of(edge_cases))
    found = pages_of(folder)
    assert found.keys() == {page.key for page in PAGES} - {PEOPLE_PAGE}
    assert not [it for page in found.values() for it in page.named("a") if "people" in str(it)]


def test_pages_are_within_their_size(edge_cases: Published) -> None:
    for file in (edge_cases.folder / "published" / "dashboard").iterdir():
        assert file.stat().st_size < 3 * MEGABYTE


def test_names_are_text_whatever_they_are(edge_cases: Published, tmp_path: Path) -> None:
    folder = copied(edge_cases, tmp_path / "run")
    with duckdb.connect(folder / "salesops.duckdb") as connection:
        connection.execute("update marts.kpi_values set dimension_label = ?", [HOSTILE])
        connection.execute("update marts.kpi_definitions set definition = ?", [HOSTILE])
        connection.execute("update marts.mart_pipeline_changes set opportunity_name = ?", [HOSTILE])
    write_pages(folder, company_of(edge_cases, name=HOSTILE))
    for name, page in pages_of(folder).items():
        assert len(page.named("script")) == 3, name
        assert not [tag for tag, _ in page.elements if tag in ("iframe", "img", "object", "base")]
        assert "<script>alert" not in page.text
    index = pages_of(folder)[INDEX].data
    assert {label for cut in index["cuts"] for label in cut["labels"]} >= {HOSTILE}


def test_json_ends_no_element_and_no_line() -> None:
    text = as_json({"name": HOSTILE})
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == {"name": HOSTILE}


def test_a_page_that_cannot_be_made_is_named(
    edge_cases: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no such thing")

    monkeypatch.setattr(writing, "_special", fail)
    with pytest.raises(PageError, match=r"'Pipeline' of the dashboard .*no such thing"):
        write_pages(copied(edge_cases, tmp_path / "run"), company_of(edge_cases))


def test_what_has_no_room_is_told(
    edge_cases: Published, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = copied(edge_cases, tmp_path / "run")
    monkeypatch.setattr(writing, "LARGEST", 60_000)
    write_pages(folder, company_of(edge_cases))
    data = pages_of(folder)[INDEX].data
    [rep] = [cut for cut in data["cuts"] if cut["name"] == "rep"]
    reps = edge_cases.marts(
        "select distinct dimension_key from marts.kpi_values where dimension = 'rep'"
    )
    assert rep["more"] > 0
    assert len(rep["keys"]) + rep["more"] <= len(reps)


@pytest.mark.parametrize("locale", ["en", "de-CH", "zh-Hant-TW", "es-419"])
def test_locales(locale: str) -> None:
    from pydantic import TypeAdapter

    from ingestion.settings import Locale

    assert TypeAdapter(Locale).validate_python(locale) == locale
    with pytest.raises(ValueError, match="not a locale"):
        TypeAdapter(Locale).validate_python(f"{locale}<")


def test_names_in_charts_are_no_names_of_a_scripts_own() -> None:
    assert drawable("a\u2028b\nc") == "a b c"
    assert drawable("constructor") == "\u2068constructor\u2069"
    assert (drawable("Ann Lee"), drawable(None), drawable(1.5)) == ("Ann Lee", None, 1.5)
