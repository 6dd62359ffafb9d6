"""Answers of an API that nobody can read: told with their place, and nothing is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingestion.company.reading import load_company
from ingestion.errors import SourceError
from ingestion.http import Patience
from ingestion.loading.reports import ExtractContext, quiet
from ingestion.sources.hubspot.extraction import extract
from ingestion.warehouse.warehouse import Warehouse
from tests.faults.attacks import bites, held, replaced
from tests.faults.portals import Spoil, served
from tests.runs import run

ATTACK = "malformed answers of an API"
TOKEN = "pat-of-a-test"
IMPATIENT = Patience(attempts=2, first_wait=0.01, longest_wait=0.01, timeout=(2.0, 10.0))


def with_results(change: Callable[[dict[str, Any]], None]) -> Spoil:
    """Change each result of an answer."""

    def spoil(document: dict[str, Any]) -> Any:
        for result in document.get("results", ()):
            change(result)
        return document

    return spoil


def without(name: str) -> Spoil:
    return with_results(lambda result: result.pop(name, None))


def of(name: str, value: object) -> Spoil:
    return with_results(lambda result: result.update({name: value}))


def paging_for_ever(document: dict[str, Any]) -> Any:
    return document | {"paging": {"next": {"after": "1"}}}


SPOILT: dict[str, tuple[str, Spoil]] = {
    "a page of HTML": ("/crm/", lambda _: b"<html>Sign in</html>"),
    "null": ("/crm/", lambda _: b"null"),
    "a list": ("/crm/", lambda _: b"[]"),
    "broken UTF-8": ("/crm/", lambda _: b'{"results": ["\xff"]}'),
    "results that are no list": ("/crm/", lambda _: {"results": {"0": 1}}),
    "results of null": ("/crm/", lambda _: {"results": [None]}),
    "results of text": ("/crm/v3/owners", lambda _: {"results": ["x"]}),
    "errors of text": ("/crm/v3/owners", lambda found: found | {"errors": ["x"]}),
    "owners without id": ("/crm/v3/owners", without("id")),
    "owners whose teams are text": ("/crm/v3/owners", of("teams", "x")),
    "teams without name": ("/teams", without("name")),
    "pipelines without stages": ("/pipelines/", of("stages", None)),
    "stages without label": ("/pipelines/", of("stages", [{"id": "1"}])),
    "an order of stages that is text": (
        "/pipelines/",
        of("stages", [{"id": "1", "label": "x", "displayOrder": "first"}]),
    ),
    "properties without type": ("/properties/", without("type")),
    "properties whose name is a number": ("/properties/", of("name", 7)),
    "records without id": ("/objects/deals", without("id")),
    "records whose id is a word": ("/objects/deals", of("id", "first")),
    "records whose properties are null": ("/objects/deals", of("properties", None)),
    "records whose properties are text": ("/objects/deals", of("properties", "x")),
    "records whose archived is text": ("/objects/deals", of("archived", "perhaps")),
    "histories that are numbers": ("/objects/deals", of("propertiesWithHistory", 7)),
    "archived at no moment": (
        "/objects/companies",
        lambda _: {"results": [{"id": "1", "properties": {}, "archivedAt": "yesterday"}]},
    ),
    "associations of nothing": ("/associations/", of("from", {})),
    "associations to nothing": ("/associations/", of("to", [{}])),
    "associations to a word": ("/associations/", of("to", [{"toObjectId": "x"}])),
    "pages for ever": ("/objects/companies", paging_for_ever),
    "associations for ever": ("/associations/", of("paging", {"next": {"after": "1"}})),
}


def company_file(folder: Path, url: str) -> Path:
    path = folder / "company.yml"
    path.write_text(
        "name: Portal\ncurrency: USD\ntimezone: UTC\nsources:\n"
        f"  - {{name: crm, type: hubspot, url: '{url}'}}\n"
    )
    return path


def extracted(folder: Path, url: str) -> dict[str, int]:
    """Extract a portal; the rows of each table."""
    company = load_company(company_file(folder, url))
    warehouse = Warehouse("duckdb", str(folder / "nowhere.duckdb"))
    context = ExtractContext(company, warehouse, "raw_hubspot", folder, False, quiet)
    with extract(context, company.sources[0], IMPATIENT) as extraction:  # type: ignore[arg-type]
        return {load.entity: load.rows for load in extraction.loads}


@held(ATTACK)
@pytest.mark.parametrize("case", SPOILT)
def test_a_malformed_answer_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.setenv("HUBSPOT_TOKEN", TOKEN)
    place, spoil = SPOILT[case]
    with (
        served(TOKEN, place, spoil) as url,
        pytest.raises(
            SourceError,
            match=r"source crm.* (not as HubSpot documents it|no good answer|status 400)",
        ),
    ):
        extracted(tmp_path, url)


@held(ATTACK)
def test_a_run_that_meets_one_ends_with_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBSPOT_TOKEN", TOKEN)
    with served(TOKEN, *SPOILT["stages without label"]) as url:
        done = run(company_file(tmp_path, url), tmp_path / "data")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "/crm/v3/pipelines/deals" in done.stderr
    assert "the label of a result is missing" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@bites(ATTACK)
def test_an_unexpected_answer_is_an_unexpected_error_where_nobody_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import nullcontext

    monkeypatch.setenv("HUBSPOT_TOKEN", TOKEN)
    with (
        served(TOKEN, *SPOILT["stages without label"]) as url,
        replaced("ingestion.loading.api_load:understood", lambda _: nullcontext()),
        replaced("ingestion.sources.hubspot.directory:well_formed", lambda _, found, __: found),
        pytest.raises(KeyError),
    ):
        extracted(tmp_path, url)
