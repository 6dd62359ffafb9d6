"""What is wrong with a company's own: told with file, key, value and remedy, and nothing is run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dagster_project.cli import main
from expectations.suites import suites
from ingestion.company.reading import load_company, read_company
from ingestion.extension.folder import ExtensionError
from tests.kpis.companies import COMPANIES
from tests.runs import run
from tests.thorough import thorough

KPI, MART = "kpis/demos/demo_to_close_rate", "marts/mart_demos"

Change = Callable[[Path], object]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a copy of the company."""
    shutil.copytree(COMPANIES / "extended", tmp_path / "company")
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    return tmp_path / "company" / "own"


def replaced(name: str, old: str, new: str) -> Change:
    def change(own: Path) -> None:
        text = (own / name).read_text(encoding="utf-8")
        assert old in text
        (own / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def written(name: str, text: str = "") -> Change:
    def change(own: Path) -> None:
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_text(text, encoding="utf-8")

    return change


def renamed(old: str, new: str) -> Change:
    def change(own: Path) -> None:
        for suffix in (".sql", ".yml"):
            (own / f"{old}{suffix}").rename(own / f"{new}{suffix}")

    return change


WRONG: dict[str, tuple[Change, str]] = {
    "no such folder": (
        replaced("../company.yml", "extend: own", "extend: elsewhere"),
        "company.yml: extend = 'elsewhere': no such folder",
    ),
    "no place for it": (written("notes.md"), "own/notes.md: no place for a file of"),
    "unknown folder": (
        written("macros/x.sql"),
        "did you mean 'marts'? Allowed: audit, kpis, marts",
    ),
    "Python": (written("marts/mart_x.py"), "own/marts/mart_x.py: no file of marts"),
    "no words": (lambda own: (own / f"{KPI}.yml").unlink(), f"{KPI}.yml: no such file"),
    "no SQL": (
        lambda own: (own / f"{MART}.sql").unlink(),
        f"{MART}.yml: there is no SQL beside it",
    ),
    "not YAML": (written(f"{KPI}.yml", "models: [\n"), f"{KPI}.yml, line 2: not valid YAML"),
    "no kind": (
        replaced(f"{KPI}.yml", "        kind: share\n", ""),
        f"{KPI}.yml: models.0.config.meta.kind: missing",
    ),
    "unknown kind": (
        replaced(f"{KPI}.yml", "kind: share", "kind: rate"),
        f"{KPI}.yml: models.0.config.meta.kind = 'rate': Input should be 'sum', 'share'",
    ),
    "no usual variant": (
        replaced(f"{KPI}.yml", "default:", "usual:"),
        "the usual variant is missing; name it 'default'",
    ),
    "of another name": (
        replaced(f"{KPI}.yml", "name: demo_to_close_rate", "name: demo_rate"),
        f"{KPI}.yml: models.0.name = 'demo_rate': it is of demo_to_close_rate.sql",
    ),
    "a KPI of ours": (
        renamed(KPI, "kpis/demos/win_rate"),
        "win_rate.sql: there is a model of the product of that name; rename it",
    ),
    "a table of ours": (
        renamed(KPI, "kpis/demos/values"),
        "values.sql: the published kpi_values is another table; rename it",
    ),
    "no name of a mart": (renamed(MART, "marts/demos"), "demos.sql: a mart is called mart_…"),
    "not public": (
        replaced(f"{MART}.yml", "      access: public\n", ""),
        f"{MART}.yml: models.0.config.access: missing",
    ),
    "no type": (
        replaced(f"{MART}.yml", "        data_type: bigint\n", ""),
        f"{MART}.yml: models.0.columns.2.data_type: missing",
    ),
    "no such table": (
        written("audit/fct_deals.yml", "keys: [a]\nrules: []\n"),
        "audit/fct_deals.yml: no table to audit is called so",
    ),
    "unknown placeholder": (
        replaced("audit/mart_demos.yml", "{as_of_day}", "{today}"),
        "rules.1.never = 'month_start > {today}': unknown {today}",
    ),
    "unknown severity": (
        replaced("audit/mart_demos.yml", "severity: critical", "severity: fatal"),
        "rules.0.severity = 'fatal': Input should be 'critical' or 'warning'",
    ),
}


@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told(own: Path, change: Change, message: str) -> None:
    change(own)
    problems = read_company(own.parent / "company.yml").problems
    assert [problem for problem in problems if message in problem], problems


def test_a_run_and_a_check_end_with_2(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replaced(f"{KPI}.yml", "kind: share", "kind: rate")(own)
    for command in ("check", "run"):
        assert main([command, "--company", str(own.parent / "company.yml")]) == 2
        told = capsys.readouterr()
        assert "meta.kind = 'rate'" in told.out + told.err
    assert not (own.parents[1] / "data" / "extended" / "published").exists()


def test_what_is_for_people_to_read_may_lie_there(own: Path) -> None:
    written("README.md")(own)
    written(".gitignore")(own)
    assert read_company(own.parent / "company.yml").problems == ()


@thorough
def test_sql_that_cannot_be_run_ends_with_2_and_publishes_nothing(own: Path) -> None:
    replaced(f"{KPI}.sql", "status = 'won'", "state = 'won'")(own)
    data = own.parents[1] / "data"
    done = run(own.parent / "company.yml", data)
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"error: {own / KPI}.sql: this SQL cannot be run; mend it:" in done.stderr
    assert '"state" not found' in done.stderr
    assert not (data / "extended" / "published").exists()


@thorough
@pytest.mark.parametrize(
    ("change", "messages"),
    [
        (
            replaced(
                f"{MART}.sql", 'ref("fct_opportunities")', 'ref("int_opportunities__current")'
            ),
            (f"{MART}.sql", "int_opportunities__current", "private"),
        ),
        (replaced(f"{KPI}.sql", "int_kpi_deals", "int_deals"), (f"{KPI}.sql", "int_deals")),
        (replaced(f"{KPI}.sql", "{%- endfor %}", ""), (f"{KPI}.sql", "endfor")),
    ],
    ids=["private", "unknown", "Jinja"],
)
def test_what_dbt_cannot_read_is_told_by_a_check(
    own: Path, change: Change, messages: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    change(own)
    assert main(["check", "--company", str(own.parent / "company.yml")]) == 2
    told = capsys.readouterr().out
    assert all(message in told for message in messages), told
    assert not (own.parents[1] / "data").exists()


@thorough
def test_a_rule_that_cannot_be_run_ends_with_2(own: Path) -> None:
    replaced("audit/mart_demos.yml", "n_won > n_shown", "n_wons > n_shown")(own)
    done = run(own.parent / "company.yml", own.parents[1] / "data")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "audit/mart_demos.yml: rules.0.never = 'n_wons > n_shown': this SQL" in done.stderr


def test_a_rule_of_another_ones_name_is_refused(own: Path) -> None:
    replaced("audit/fct_opportunities.yml", "label_known", "rate_missing")(own)
    extension = load_company(own.parent / "company.yml").extension
    with pytest.raises(ExtensionError, match=r"rules\.0\.name = 'rate_missing': the table has"):
        suites("marts", ["files"], extension)
