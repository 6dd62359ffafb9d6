"""What is wrong with a company's own: told with file, key, value and remedy, and nothing is run."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dagster_project.cli import main
from expectations.suites import suites
from ingestion.company.reading import load_company, read_company
from ingestion.errors import SourceError
from ingestion.extension.folder import ExtensionError
from ingestion.pipeline import load_source
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


def linked(name: str, target: str) -> Change:
    def change(own: Path) -> None:
        (own / name).symlink_to(target)

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
    "a link to a folder": (
        linked("kpis/more", "../marts"),
        "own/kpis/more: a link to a folder, which is not read; link its files or remove it",
    ),
    "a link to nothing": (
        linked("marts/mart_x.sql", "x.sql"),
        "own/marts/mart_x.sql: a link nowhere; remove it",
    ),
    "a name that dlt changes": (
        replaced("../company.yml", "    tier: text", "    tier_: text"),
        "extra.accounts.tier_: not small letters and digits, a letter first, a single _ between",
    ),
    "a name that Postgres cuts": (
        replaced("../company.yml", "    tier: text", f"    {64 * 'x'}: text"),
        "a name longer than 63 letters; shorten it",
    ),
    "a name that is a value": (
        replaced("../company.yml", "    tier: text", "    'true': text"),
        "extra.accounts.true: the models of accounts use that name, or SQL does; rename it",
    ),
    "a name that is a value in Postgres": (
        replaced("../company.yml", "    tier: text", "    user: text"),
        "extra.accounts.user: the models of accounts use that name, or SQL does; rename it",
    ),
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
    "a cut that is a column": (
        replaced(f"{KPI}.yml", "cuts: [deal]", "cuts: [deal, metric]"),
        f"{KPI}.yml: models.0.config.meta.cuts.1 = 'metric': metrics have a column of that name",
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


@pytest.mark.parametrize(
    "extra", ["[label]", "5", "{opportunities: 5}", "{opportunities: {1: text}}"]
)
def test_columns_in_no_form_are_told_beside_a_mapping_of_hubspot(
    tmp_path: Path, extra: str
) -> None:
    file = tmp_path / "company.yml"
    file.write_text(
        f"{{name: H, currency: USD, timezone: UTC, extra: {extra}, sources: "
        "[{name: crm, type: hubspot, mapping: {deals: {label: deal_label}}}]}",
        encoding="utf-8",
    )
    form, mapping = read_company(file).problems
    assert form.startswith(f"{file}: extra")
    assert "column 'label' of 'deals' cannot be mapped" in mapping


def test_a_column_that_was_loaded_as_another_type_is_refused(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = own.parent / "company.yml"
    company = load_company(file)
    load_source(company, company.sources[0])
    replaced("../company.yml", "{type: text, description: How the deal came about., cut: true}",
             "integer")(own)  # fmt: skip
    replaced("../company.yml", "label: lower(tag)", "label: amount")(own)
    told = f"{file}: extra: label of opportunities is integer, and was loaded as text: name it"
    assert main(["check", "--company", str(file)]) == 2
    assert told in capsys.readouterr().out
    company = load_company(file)
    with pytest.raises(SourceError, match=re.escape(told)):
        load_source(company, company.sources[0])


def test_a_column_may_come_when_a_record_goes(own: Path) -> None:
    """What is deleted has no value of the column that it never had."""
    file = own.parent / "company.yml"
    company = load_company(file)
    load_source(company, company.sources[0])
    replaced("../company.yml", "  accounts:", "    size: number\n  accounts:")(own)
    deals = own.parent / "exports" / "deals.csv"
    deals.write_text("\n".join(deals.read_text(encoding="utf-8").splitlines()[:-1]) + "\n")
    company = load_company(file)
    loads = load_source(company, company.sources[0]).tables
    assert {load.entity: load.rows_deleted for load in loads}["opportunities"] == 1


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
            replaced(f"{MART}.sql", 'ref("fct_opportunities")', 'ref("int_opportunity_ends")'),
            (f"{MART}.sql", "int_opportunity_ends", "private"),
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
def test_a_variant_that_its_words_do_not_name_ends_with_1(own: Path) -> None:
    replaced(f"{KPI}.sql", '("decided"', '("decide"')(own)
    done = run(own.parent / "company.yml", own.parents[1] / "data")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "test demo_to_close_rate_is_of_members" in done.stderr
    assert '"variant": "decide"' in done.stderr


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
