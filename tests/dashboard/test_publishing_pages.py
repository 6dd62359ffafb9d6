"""Pages are published with the rest or nothing is; the one of people is for whom their file is."""

from __future__ import annotations

import stat
from pathlib import Path

import duckdb
import pytest

from dagster_project.dashboard.pages import PageError
from dagster_project.publishing.writing import publish
from ingestion.company.reading import load_company
from ingestion.company.settings import Audience, Company
from ingestion.paths import CompanyPaths
from tests.orchestration.copies import EDGE_CASES
from tests.orchestration.one_mart import MANIFEST, audited, made_warehouse, model

pytestmark = pytest.mark.usefixtures("few_pages")

WITH_PEOPLE = {
    **MANIFEST,
    "nodes": {
        **MANIFEST["nodes"],
        "model.salesops.mart_reviews": model("mart_reviews", "people", remark="What to say."),
    },
}


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path))
    return load_company(EDGE_CASES / "company.yml")


def test_pages_are_swapped_in_with_the_rest(company: Company) -> None:
    publish(audited(company, made_warehouse(company), "first"), MANIFEST)
    page = CompanyPaths.of(company).published / "dashboard" / "index.html"
    assert page.read_text() == "Edge Cases: Overview"
    assert stat.S_IMODE(page.stat().st_mode) == 0o444


def test_a_page_that_fails_leaves_what_was_published(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse, paths = made_warehouse(company), CompanyPaths.of(company)
    publish(audited(company, warehouse, "first"), MANIFEST)

    def fail(*_: object) -> None:
        raise PageError("the page 'Trust' of the dashboard could not be made")

    monkeypatch.setattr("dagster_project.dashboard.pages.rendered", fail)
    with pytest.raises(PageError, match="'Trust'"):
        publish(audited(company, warehouse, "second"), MANIFEST)
    assert paths.published.resolve().name == "first"
    assert [folder.name for folder in paths.publications.iterdir()] == ["first"]


@pytest.mark.parametrize(
    ("people", "of_file", "of_folder"),
    [("owner", 0o600, 0o700), ("group", 0o640, 0o750), ("all", 0o644, 0o755)],
)
def test_the_page_of_people_is_for_whom_their_file_is(
    company: Company, people: str, of_file: int, of_folder: int
) -> None:
    company = company.model_copy(update={"audience": Audience.model_validate({"people": people})})
    warehouse = made_warehouse(company)
    with duckdb.connect(warehouse.location) as connection:
        connection.execute("create schema people")
        connection.execute("create table people.mart_reviews as select 'well done' as remark")
    publish(audited(company, warehouse, "first"), WITH_PEOPLE)
    folder = CompanyPaths.of(company).published / "people"
    assert stat.S_IMODE((folder / "people.html").stat().st_mode) == of_file
    assert stat.S_IMODE(folder.stat().st_mode) == of_folder
