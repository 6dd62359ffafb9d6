"""What comes from data and from company.yml is shown everywhere, and commands nothing anywhere."""

from __future__ import annotations

import io
import json
import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from dagster_project.cli import main
from dagster_project.commands.console import PlainConsole
from dagster_project.definitions import definitions
from dagster_project.defs.ingestion import file_assets
from dagster_project.run.logs import VisibleFormatter
from expectations.judge import failed
from expectations.pages import Pages
from expectations.report import AuditReport
from expectations.stakes import Stake
from expectations.store import StoredAudit
from expectations.suites import suites
from ingestion.company.settings import Company
from ingestion.errors import SourceError
from ingestion.visible import visible
from tests.faults.attacks import bites, held, replaced
from tests.ingestion.conftest import Exports
from tests.ingestion.conftest import empty_warehouse as empty_warehouse
from tests.ingestion.conftest import exports as exports
from tests.orchestration.copies import Copy
from tests.thorough import thorough

TERMINAL = "data that commands the terminal, or ends a summary"
DOCS = "data that is HTML, or a template, in the Data Docs"
DAGSTER = "data that is Markdown, or commands, in Dagster"

COMMANDS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
HOSTILE = {
    "a closing tag": "[/bold]",
    "a tag": "[blink red on red]x",
    "a link": "[link=http://evil.example]x[/link]",
    "an emoji": ":boom:",
    "clear the screen": "\x1b[2J\x1b[H",
    "the title of the window": "\x1b]0;owned\x07",
    "a link of the terminal": "\x1b]8;;http://evil.example\x1b\\x\x1b]8;;\x1b\\",
    "a CSI of one byte": "\x9b2J",
    "carriage return": "Rejected\rAll is right",
    "backspaces": "bad\b\b\bgood",
    "a line of its own": "x\nerror: none",
    "another line end": "x\u2028error: none",
    "writing from the right": "\u202egnp.exe",
    "half of a pair": "\ud800",
    "null": "x\x00y",
}
HTML = "<img src=x onerror=alert(1)> $template ${styling} $$content {{ 7 * 7 }} </td>\"'\x1b[31m"


def printed(value: str) -> str:
    """What the summary's console makes of a value, in a line and in a table."""
    from rich.table import Table

    shown = PlainConsole(width=200)
    shown.file = io.StringIO()
    table = Table(value)
    table.add_row(value, value)
    shown.print(value, style="yellow")
    shown.print(table)
    return shown.file.getvalue()


@held(TERMINAL)
@pytest.mark.parametrize("case", HOSTILE)
def test_the_summary_shows_it(case: str) -> None:
    told = printed(HOSTILE[case])
    assert not COMMANDS.search(told)
    assert visible(HOSTILE[case]) in told
    told.encode()


@held(TERMINAL)
@pytest.mark.parametrize("case", HOSTILE)
def test_errors_and_logs_show_it(case: str) -> None:
    error = SourceError(f"deals.csv: {HOSTILE[case]}")
    assert not COMMANDS.search(str(error))
    record = logging.LogRecord("salesops", logging.INFO, "", 1, HOSTILE[case], (), None)
    told = VisibleFormatter("%(message)s").format(record)
    assert not COMMANDS.search(told)
    assert "\nerror" not in told


@held(TERMINAL)
def test_a_check_of_hostile_exports(exports: Exports, capfd: pytest.CaptureFixture[str]) -> None:
    bad = "".join(f'"{case}","{value}"\n' for case, value in HOSTILE.items() if value != "\ud800")
    exports.settings["name"] = "[/bold] \x1b[2J Ltd"
    exports.write("de\x1b[31mals\r.csv", f"id,amount\n{bad}".encode())
    columns = {"source_id": "id", "amount": "amount", "stage": "'Open'", "created_at": "id"}
    exports.company({"opportunities": {"from": "de\x1b[31mals\r.csv", "columns": columns}})
    assert main(["check", "--company", str(exports.root / "company.yml")]) == 2
    output = capfd.readouterr()
    assert "rejected: " in output.out
    assert not COMMANDS.search(output.out + output.err)


@held(TERMINAL)
def test_an_encoding_without_the_letters(exports: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    told = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", told)
    exports.write("users.csv", "id,name\n1,Zoë\n")
    columns = {"source_id": "id", "name": "name", "hired_on": "name"}
    exports.company({"users": {"from": "users.csv", "columns": columns}})
    main(["check", "--company", str(exports.root / "company.yml")])
    told.flush()
    assert b"Zo\\xeb" in told.buffer.getvalue()  # type: ignore[attr-defined]


@thorough
@held(TERMINAL)
def test_a_whole_run_of_a_hostile_company(tmp_path: Path) -> None:
    copy = Copy.make(tmp_path)
    copy.settings(name="Edge [/bold] \x1b[2J Cases", rejected_tolerance=1)
    for name in ("users.csv", "opportunities.csv", "accounts.csv"):
        path = copy.export(name)
        text = path.read_text(encoding="utf-8")
        for old, new in (("Ann", "An[/bold]n\x1b[31m"), ("Acme", "[/dim]Acme\x9b2J")):
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    with copy.export("opportunities.csv").open("a", encoding="utf-8") as file:
        file.write("[/bold]\x1b[2J\n")
    done = copy.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Edge [/bold] \\x1b[2J Cases" in done.stdout
    assert not COMMANDS.search(done.stdout + done.stderr)


@bites(TERMINAL)
def test_rich_obeys_a_tag_and_a_terminal_an_escape() -> None:
    from rich.console import Console
    from rich.errors import MarkupError

    with pytest.raises(MarkupError):
        Console(file=io.StringIO()).print(f"[bold]{HOSTILE['a closing tag']}[/bold]{'[/bold]'}")
    with replaced("dagster_project.commands.console:visible", str):
        assert "\x1b]0;owned" in printed(HOSTILE["the title of the window"])


def audit_of(value: str) -> tuple[AuditReport, dict[str, Any]]:
    """A report and Great Expectations' own result with a value wherever data may come to be."""
    [check, *_] = next(iter(suites("raw", ("files",)))).checks
    result = replace(failed(check, value), checked=9, unexpected=3, sample_keys=(value,))
    result = replace(result, description=value, observed=value)
    results = tuple(replace(result, name=name, checked=n) for name, n in ((value, 9), ("other", 0)))
    raised = {"raised_exception": True, "exception_message": value, "exception_traceback": value}
    outcomes = [
        {
            "expectation_config": {
                "type": "expect_column_values_to_be_in_set",
                "kwargs": {"column": value, "batch_id": "batch"},
                "meta": {"check": result.name},
            },
            "result": {"element_count": 9},
            "exception_info": {"metric": raised},
        }
        for result in results
    ]
    meta = {"run_id": {"run_name": value, "run_time": value}}
    return AuditReport("marts", value, results), {
        "suite_name": value,
        "meta": meta,
        "results": outcomes,
    }


def pages_of(value: str, **options: bool) -> tuple[str, str]:
    """The first page, and the page of a table, of such an audit."""
    report, document = audit_of(value)
    stake = Stake("leads", value, "high", 9, 3, None, value, None, 3, value)
    audit = StoredAudit(report, {value: ""}, "2026-01-01T00:00:00", (stake,))
    company = Company.model_construct(name=value, currency=value, timezone="UTC")
    site = Pages(**options)
    return site.index(company, [audit]), site.table(report.results, document)


@held(DOCS)
def test_pages_show_it() -> None:
    index, table = pages_of(HTML)
    for page, times in ((index, 12), (table, 12)):
        assert "<img" not in page
        assert page.count("&lt;img src=x onerror=alert(1)&gt;") >= times
        assert page.count("{{ 7 * 7 }}") >= times
    assert "&lt;td&gt;" not in index
    assert not re.search('href="[^"]*[<> ]', index + table)


@held(DOCS)
def test_what_was_seen_commands_nothing() -> None:
    [check, *_] = next(iter(suites("raw", ("files",)))).checks
    assert not COMMANDS.search(failed(check, HTML).observed)
    _, table = pages_of(HTML)
    assert "\x1b" not in re.sub("(?s)^.*<pre>|</pre>.*$", "", table)


@bites(DOCS)
def test_a_value_is_html_for_whom_does_not_escape_it() -> None:
    index, table = pages_of(HTML, autoescape=False)
    assert "<img src=x" in index
    assert "<img src=x" in table


@held(DAGSTER)
def test_descriptions_show_names_of_files(exports: Exports) -> None:
    name = "![x](http://evil.example)`<b>\x1b[2J.csv"
    exports.write(name.replace("/", "_"), "id,name\n1,Ann\n")
    columns = {"source_id": "id", "name": "name"}
    company = exports.company({"users": {"from": name.replace("/", "_"), "columns": columns}})
    told = [spec.description or "" for spec in file_assets(company)]
    assert f"`` {name.replace('/', '_')} ``".replace("\x1b", "\\x1b") in "".join(told)
    assert not COMMANDS.search(json.dumps(told, ensure_ascii=False))


def console_of_a_run(output: pytest.CaptureFixture[str]) -> str:
    """What Dagster prints of a run that logs, and fails with, whatever is hostile."""

    @dg.op
    def tell(context) -> None:  # type: ignore[no-untyped-def]
        context.log.error(HOSTILE["clear the screen"])
        raise ValueError("".join(value for value in HOSTILE.values() if value != "\ud800"))

    @dg.job
    def telling() -> None:
        tell()

    telling.execute_in_process(raise_on_error=False)
    told = output.readouterr().err
    assert "[/bold]" in told
    return told


@held(DAGSTER)
def test_the_console_of_a_run_shows_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    factories: list[Any] = []
    with (
        monkeypatch.context() as patch,
        replaced("dagster_project.definitions:company_definitions", dg.Definitions()),
        replaced("dagster_project.definitions:load_company"),
    ):
        patch.setattr(logging, "setLogRecordFactory", factories.append)
        definitions()
    before = logging.getLogRecordFactory()
    try:
        logging.setLogRecordFactory(*factories)
        told = console_of_a_run(capfd)
    finally:
        logging.setLogRecordFactory(before)
    assert not COMMANDS.search(told)
    assert "\\x1b[2J" in told


@bites(DAGSTER)
def test_dagster_prints_what_it_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    assert "\x1b[2J" in console_of_a_run(capfd)
