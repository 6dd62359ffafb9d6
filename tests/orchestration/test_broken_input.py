"""Whatever is wrong with the input: a clear message, and the published marts stay as they are."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable

import pytest

from tests.orchestration.copies import Copy
from tests.thorough import at_length, thorough

EXPORT = "opportunities.csv"

Change = Callable[[Copy], None]


def replace(old: str, new: str) -> Change:
    """Put `new` in the first place where there is `old`."""

    def change(copy: Copy) -> None:
        text = copy.export(EXPORT).read_text(encoding="utf-8")
        assert old in text
        copy.export(EXPORT).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def edit_line(number: int, column: str, value: str) -> Change:
    """Change a value in a line, counted from the header, which is line 1."""

    def change(copy: Copy) -> None:
        with copy.export(EXPORT).open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file))
        lines[number - 1][lines[0].index(column)] = value
        with copy.export(EXPORT).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(lines)

    return change


def keep_half(copy: Copy) -> None:
    """Keep the header and the first half of the rows."""
    lines = copy.export(EXPORT).read_text(encoding="utf-8").splitlines(keepends=True)
    copy.export(EXPORT).write_text("".join(lines[: len(lines) // 2]), encoding="utf-8")


def truncate(copy: Copy) -> None:
    """Cut a compressed export in the middle, as an interrupted transfer does."""
    whole = gzip.compress(copy.export(EXPORT).read_bytes())
    copy.export(f"{EXPORT}.gz").write_bytes(whole[: len(whole) // 2])
    copy.export(EXPORT).unlink()
    text = copy.file.read_text(encoding="utf-8")
    copy.file.write_text(text.replace(f"from: {EXPORT}", f"from: {EXPORT}.gz"), encoding="utf-8")


def empty(copy: Copy) -> None:
    """Leave a file of no bytes."""
    copy.export(EXPORT).write_bytes(b"")


def remove(copy: Copy) -> None:
    """Leave no file."""
    copy.export(EXPORT).unlink()


def take_ids_otherwise(copy: Copy) -> None:
    """Let the mapping give every deal another id."""
    sql = "select * replace ('x' || source_id as source_id) from opportunities"
    text = copy.file.read_text(encoding="utf-8")
    assert text.count(f"from: {EXPORT}") == 1
    copy.file.write_text(text.replace(f"from: {EXPORT}", f"from: {sql}"), encoding="utf-8")


STOPS_THE_LOAD = {
    "missing column": (replace(",stage", ",phase"), ["opportunities", "stage"]),
    "missing file": (remove, ["opportunities.csv"]),
    "truncated file": (truncate, ["opportunities.csv.gz"]),
    "empty file": (empty, ["opportunities"]),
    "shrunk export": (keep_half, ["opportunities", "80%"]),
    "other ids": (take_ids_otherwise, ["opportunities", f"from was '{EXPORT}'", "FRESH=1"]),
}
FAILS_THE_AUDIT = {
    "bad date in row 7": (edit_line(8, "created_at", "32/13/2025"), "32/13/2025"),
    "duplicate key": (edit_line(10, "source_id", "regressed"), "regressed"),
    "unknown stage": (edit_line(12, "stage", "Bribing"), "Bribing"),
}


@pytest.mark.parametrize("case", at_length(STOPS_THE_LOAD, "missing column", "truncated file"))
def test_a_load_that_cannot_be_trusted_is_refused(copy: Copy, case: str) -> None:
    change, named = STOPS_THE_LOAD[case]
    published, loads = copy.published(), copy.loads()
    change(copy)
    done = copy.run()
    assert done.returncode == 2, done.stdout + done.stderr
    error = done.stderr.splitlines()[-1]
    assert error.startswith("error: ")
    assert all(word in done.stderr for word in named), done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert copy.published() == published
    assert copy.loads() == loads


def test_rows_that_break_the_contract_fail_the_audit(copy: Copy) -> None:
    published = copy.published()
    for change, _ in FAILS_THE_AUDIT.values():
        change(copy)
    done = copy.run()
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.count("Rejected from crm.opportunities: 1 ×") == len(FAILS_THE_AUDIT)
    for _, value in FAILS_THE_AUDIT.values():
        assert value in done.stdout
    assert "rejected_within_tolerance" in done.stdout
    assert "the last good marts stay in place" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert copy.published() == published


@thorough
def test_an_unusable_warehouse_is_moved_aside_and_the_next_good_run_recovers(copy: Copy) -> None:
    published, kpis = copy.published(), copy.kpis()
    for content in (b"", b"not a database" * 1000):
        (copy.data / "warehouse.duckdb").write_bytes(content)
        done = copy.run()
        assert done.returncode == 2, done.stdout + done.stderr
        assert "warehouse.duckdb" in done.stderr
    export = copy.export(EXPORT)
    whole = export.read_bytes()
    empty(copy)
    assert copy.run().returncode == 2
    assert copy.published() == published
    export.write_bytes(whole)
    recovered = copy.run()
    assert recovered.returncode == 0, recovered.stdout + recovered.stderr
    assert copy.kpis() == kpis


def test_a_wrong_company_file_is_one_clear_error_before_anything_is_written(
    new_copy: Copy,
) -> None:
    new_copy.settings(currency="DOLLARS")
    done = new_copy.run()
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {new_copy.file}: currency = 'DOLLARS'")
    assert not new_copy.data.exists()


def test_a_moment_that_cannot_be_read_is_refused_before_anything_is_written(
    new_copy: Copy,
) -> None:
    done = new_copy.run("--as-of", "yesterday")
    assert done.returncode == 2
    assert "as_of: 'yesterday' is not a moment" in done.stderr
    assert not new_copy.data.exists()
