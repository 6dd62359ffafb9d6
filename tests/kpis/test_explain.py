"""`make explain`: what it prints is what `kpi_values` says, and follows from the records."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from dagster_project.cli import main
from dagster_project.numbers.cell import Asked, Calendar, Cell, ExplainError, find_cell
from dagster_project.numbers.receipts import (
    EXCLUDED,
    INCLUDED,
    UNKNOWN,
    Figures,
    Receipts,
)
from dagster_project.publication import open_published
from ingestion.paths import PROJECT
from tests.conftest import Publish
from tests.kpis.companies import TEST_COMPANIES, Published
from tests.kpis.receipts import disagreements, some_of_each

PAGE = PROJECT / "docs" / "explain.md"


@contextmanager
def receipts_of(published: Published) -> Iterator[Receipts]:
    with open_published(published.folder / "published" / "salesops.duckdb") as connection:
        connection.execute("set threads = 1")
        yield Receipts(connection)


def figures(published: Published, metric: str) -> Figures:
    """What is published of a metric, of all time."""
    with receipts_of(published) as receipts:
        found = receipts.published(Cell(metric))
        assert found
        return found


def explained(
    published: Published, capsys: pytest.CaptureFixture[str], *options: str, status: int = 0
) -> str:
    """What the command says: to its reader, or, where the status is not 0, of what is wrong."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SALESOPS_DATA", str(published.folder.parent))
        assert main(["explain", "--company", str(published.company), *options]) == status
    captured = capsys.readouterr()
    return captured.err if status else captured.out


@pytest.mark.parametrize("name", list(reversed(TEST_COMPANIES)))
def test_every_kind_of_number_follows_from_its_records(published: Publish, name: str) -> None:
    with receipts_of(published(name)) as receipts:
        assert disagreements(receipts) == []
        asked = {(cell.metric, cell.variant) for cell in some_of_each(receipts.connection)}
        numbers = receipts.connection.execute(
            "select distinct metric, variant from marts.kpi_values"
        ).fetchall()
        assert asked == set(numbers)


@pytest.mark.parametrize("name", list(reversed(TEST_COMPANIES)))
def test_each_record_is_listed_once(published: Publish, name: str) -> None:
    with receipts_of(published(name)) as receipts:
        for cell, number in [*some_of_each(receipts.connection).items()][::7]:
            assert receipts.published(cell) == number
            n_excluded = sum(count for _, count in receipts.reasons(cell))
            assert len(receipts.members(cell, INCLUDED, "entity_id")) == number.n_included, cell
            assert len(receipts.members(cell, EXCLUDED, "1")) == n_excluded == number.n_excluded


@pytest.mark.parametrize("name", list(reversed(TEST_COMPANIES)))
def test_what_is_left_out_is_on_the_record(published: Publish, name: str) -> None:
    """Of all time, the company leaves out what `kpi_exclusions` names, for the same reasons."""
    with receipts_of(published(name)) as receipts:
        for metric, variant in receipts.variants:
            rows = receipts.connection.execute(
                "select entity_key, reason from marts.kpi_exclusions "
                "where metric = ? and variant = ? "
                "and (period_grain is null or period_grain = 'all')",
                [metric, variant],
            ).fetchall()
            told = receipts.members(
                Cell(metric, variant), f"{EXCLUDED} and entity_key is not null",
                "entity_key, exclusion_reason",
            )  # fmt: skip
            assert set(told) <= set(rows), (metric, variant)
            if receipts.variants[metric, variant].state is None and metric != "slippage_rate":
                assert set(told) == set(rows), (metric, variant)


def test_the_whole_receipt(published: Publish, capsys: pytest.CaptureFixture[str]) -> None:
    """The page about it shows a real one: the run and the hash apart, this is it."""
    edge_cases = published("edge_cases")
    page = PAGE.read_text(encoding="utf-8")
    [options, shown] = re.findall(r"    make explain (.*)\n\n((?:    .*\n|\n)+)", page)[0]
    asked = dict(option.split("=") for option in options.split())
    del asked["COMPANY"]
    said = explained(edge_cases, capsys, *(f"--{key.lower()}={asked[key]}" for key in asked))
    of_the_run = r"by run \S+|Hash: \w+"
    assert re.sub(of_the_run, "", said).split() == re.sub(of_the_run, "", shown).split()


def test_long_lists_are_cut_and_say_so(
    published: Publish, capsys: pytest.CaptureFixture[str]
) -> None:
    edge_cases = published("edge_cases")
    n_included = figures(edge_cases, "win_rate").n_included
    said = explained(edge_cases, capsys, "--metric=win_rate")
    assert f"Records: {n_included}, which come to" in said
    assert f"… and {n_included - 20} more: ALL=1" in said
    everything = explained(edge_cases, capsys, "--metric=win_rate", "--all")
    assert "more: ALL=1" not in everything
    listed = everything.partition("Records: ")[2].partition("Left out")[0]
    assert len(re.findall(r"^  opportunity ", listed, re.MULTILINE)) == n_included


def test_records_as_csv(published: Publish, capsys: pytest.CaptureFixture[str]) -> None:
    """A product comes with what it is a product of."""
    edge_cases = published("edge_cases")
    said = explained(edge_cases, capsys, "--metric=sales_velocity", "--format=csv")
    rows = list(csv.DictReader(io.StringIO(said)))
    for metric in ("sales_velocity", "win_rate", "average_deal_size", "sales_cycle_days"):
        of_metric = [row for row in rows if row["metric"] == metric]
        left_out = [row for row in of_metric if row["exclusion_reason"]]
        counts = (len(of_metric) - len(left_out), len(left_out))
        number = figures(edge_cases, metric)
        assert counts == (number.n_included, number.n_excluded)
    won = [row for row in rows if row["metric"] == "win_rate" and not row["exclusion_reason"]]
    assert sum(float(row["numerator"]) for row in won) / len(won) == edge_cases.kpi("win_rate")


def test_the_command_itself(published: Publish) -> None:
    """As a process of its own, piped: by the name of a key, of a fiscal year."""
    edge_cases = published("edge_cases")
    command = [
        *(sys.executable, "-m", "dagster_project.cli", "explain"),
        *("--company", str(edge_cases.company), "--metric=revenue_won", "--period=2026"),
        *("--cut=rep", "--key=aiko tanaka"),
    ]
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env={"SALESOPS_DATA": str(edge_cases.folder.parent), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    first = "revenue_won default of 2026 (2025-02-01 to 2026-01-31), rep Aiko Tanaka (aiko)"
    assert done.stdout.startswith(f"{first}\n  value ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("", "METRIC is missing; Allowed: activities, arr,"),
        ("--metric=win_rat", "METRIC: there is no 'win_rat'; did you mean 'win_rate'?"),
        ("--metric=win_rate --variant=by_valu", "did you mean 'by_value'? Allowed: by_value,"),
        ("--metric=win_rate --period=May", "PERIOD: 'May' is no period; write 2026-09 (month)"),
        ("--metric=win_rate --period=2031-01", "it has months from 2025-03 to 2026-05"),
        ("--metric=win_rate --period=2026-W13", "quarters from 2026-Q1 to 2027-Q2, years from"),
        ("--metric=win_rate --cut=reps", "CUT: there is no 'reps' of win_rate default; did you"),
        ("--metric=win_rate --cut=rep", "KEY is missing; Allowed: (none), Aiko Tanaka (aiko), "),
        (
            "--metric=win_rate --cut=rep --key=wendi",
            "KEY: no rep 'wendi' in all; Allowed: (none), Aiko",
        ),
        ("--metric=win_rate --key=ben", "KEY: 'ben' is a key of which cut? Give CUT, too"),
    ],
)
def test_what_there_is_not_is_told_with_what_there_is(
    published: Publish, capsys: pytest.CaptureFixture[str], options: str, said: str
) -> None:
    assert said in explained(published("edge_cases"), capsys, *options.split(), status=2)


def test_nothing_is_published_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nothing = Published(TEST_COMPANIES["edge_cases"].file, tmp_path / "edge_cases")
    said = explained(nothing, capsys, "--metric=win_rate", status=2)
    assert f"edge_cases/published: nothing has been published yet: make run COMPANY={PROJECT}" in (
        said
    )


@pytest.fixture
def book(tmp_path: Path) -> Published:
    """A publication of few numbers, made by hand, for what no company of the tests has."""
    folder = tmp_path / "edge_cases" / "published"
    folder.mkdir(parents=True)
    with duckdb.connect(folder / "salesops.duckdb") as connection:
        connection.execute((Path(__file__).parent / "book.sql").read_text(encoding="utf-8"))
    return Published(TEST_COMPANIES["edge_cases"].file, tmp_path / "edge_cases")


def test_weeks_states_and_products(book: Published) -> None:
    with receipts_of(book) as receipts:
        assert disagreements(receipts) == []
        open_deals = Cell("open_value", "default", "quarter", dt.date(2024, 1, 1))
        assert receipts.members(open_deals, INCLUDED, "entity_id") == [("e",)]
        january = replace(open_deals, grain="month")
        assert receipts.why_unknown(january) == "of 1 of its 2 records the value is not known"
        weeks = find_cell(receipts.connection, Asked("calls", period="2024-W05"))
        assert weeks == Cell("calls", "default", "week", dt.date(2024, 1, 29))
        assert {id_ for (id_,) in receipts.members(weeks, INCLUDED, "entity_id")} == {"a", "b"}


def test_records_that_do_not_come_to_the_number(
    book: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    with duckdb.connect(book.folder / "published" / "salesops.duckdb") as connection:
        connection.execute("delete from marts.kpi_members where entity_id = 'b'")
    said = explained(book, capsys, "--metric=calls", "--period=2024-02", status=1)
    assert "calls default: value is 3 in kpi_values, but the published records come to 1" in said


def test_a_number_that_is_there_no_more(
    book: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    said = explained(book, capsys, "--metric=calls", "--period=2024-01", "--cut=rep", "--key=bob")
    assert "no value: nothing counts in it any more" in said
    assert "by run first, the first since the period's end:\n  60 of 2 records" in said
    assert re.search(r"later_events +-60\n  now –", said)


def test_a_name_of_two_is_told_with_their_keys(
    book: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    with duckdb.connect(book.folder / "published" / "salesops.duckdb") as connection:
        connection.execute(
            "insert into marts.kpi_values select * replace ('twin' as dimension_key) "
            "from marts.kpi_values where dimension_key = 'ann'"
        )
    said = explained(book, capsys, "--metric=calls", "--cut=rep", "--key=ANN", status=2)
    assert "KEY: 'ANN' is the name of more than one: write its key: ann, twin" in said


def test_a_metric_that_is_there_no_more(
    book: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    """As one of a company's own is, when it has been taken away."""
    with duckdb.connect(book.folder / "published" / "salesops.duckdb") as connection:
        for table in ("definitions", "members", "values", "variants"):
            connection.execute(f"delete from marts.kpi_{table} where metric = 'calls'")
    asked = ("--metric=calls", "--period=2024-01", "--cut=rep", "--key=bob")
    said = explained(book, capsys, *asked)
    assert "no value: it is defined no more\n\nPublished before\n" in said
    assert "by run first, the first since the period's end:\n  60 of 2 records" in said
    assert len(explained(book, capsys, *asked, "--format=csv").splitlines()) == 1


def test_a_cut_that_is_there_no_more(book: Published, capsys: pytest.CaptureFixture[str]) -> None:
    with duckdb.connect(book.folder / "published" / "salesops.duckdb") as connection:
        connection.execute("alter table marts.kpi_members drop column rep")
        connection.execute("delete from marts.kpi_values where dimension = 'rep'")
    said = explained(book, capsys, "--metric=calls", "--period=2024-01", "--cut=rep", "--key=bob")
    assert "no value: nothing counts in it any more" in said
    assert "by run first, the first since the period's end:\n  60 of 2 records" in said


def test_what_nobody_thought_of_is_told_without_a_word_of_publishing(
    book: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    with duckdb.connect(book.folder / "published" / "salesops.duckdb") as connection:
        connection.execute("delete from marts.kpi_definitions where metric = 'calls'")
    said = explained(book, capsys, "--metric=calls", status=2)
    assert said.startswith("error: ValueError(")
    assert "nothing was published" not in said


def test_what_data_say_commands_no_terminal(
    book: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "a\x1b[2J\nerror: none"
    with duckdb.connect(book.folder / "published" / "salesops.duckdb") as connection:
        for table, column in (
            *(("kpi_members", "entity_id"), ("kpi_members", "exclusion_reason")),
            *(("kpi_values", "dimension_label"), ("kpi_definitions", "formula")),
        ):
            found = f"update marts.{table} set {column} = ? where {column} is not null"
            connection.execute(found, [hostile])
    for options in (["--format=csv"], ["--cut=rep", "--key=ann"]):
        said = explained(book, capsys, "--metric=calls", *options)
        assert "\x1b" not in said
        assert "\nerror" not in said
        assert r"a\x1b[2J\nerror: none" in said


@pytest.mark.parametrize(
    "formula", ["calls.value + read_text('/etc/passwd')", "(select 1)", "other.value", ""]
)
def test_a_formula_computes_and_does_nothing_else(
    book: Published, capsys: pytest.CaptureFixture[str], formula: str
) -> None:
    with duckdb.connect(book.folder / "published" / "salesops.duckdb") as connection:
        connection.execute(
            "update marts.kpi_variants set numerator_formula = ? where kind = 'product'", [formula]
        )
    said = explained(book, capsys, "--metric=calls_per_day", status=2)
    assert f"'{formula}' computes with more than its factors" in said


def test_what_an_earlier_version_has_published(
    book: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    with duckdb.connect(book.folder / "published" / "salesops.duckdb") as connection:
        connection.execute("drop table marts.kpi_members")
    said = explained(book, capsys, "--metric=calls", status=2)
    assert "published by an earlier version, without kpi_members: make run COMPANY=" in said


def test_periods_are_read_as_they_are_written() -> None:
    for first_month in range(1, 13):
        calendar = Calendar(first_month)
        for text in ("2026-01", "2026-Q1", "2026-Q4", "2026", "2026-W01", "2026-W53", "all"):
            assert calendar.write(*calendar.read(text)) == text
    assert Calendar(2).read("year 2025-02-01") == Calendar(2).read("2026")
    for text in ("2025-W53", "2025-13", "quarter", "day 2025-02-01", "quarter 2025-02-30", ""):
        with pytest.raises(ExplainError, match="is no period; write 2026-09"):
            Calendar(1).read(text)


def test_what_is_not_known_is_what_the_models_say() -> None:
    macro = (PROJECT / "dbt" / "macros" / "kpi.sql").read_text(encoding="utf-8")
    [reasons] = re.findall(r"macro unknown_reasons\(\) -%}\s*\((.*?)\)", macro, re.DOTALL)
    assert tuple(re.findall(r"\w+", reasons)) == UNKNOWN
