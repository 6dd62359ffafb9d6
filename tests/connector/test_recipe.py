"""The recipe of ingestion/sources/README.md, performed in a scratch copy of the repository.

One folder of the connector, one registration, the staging model of what it gives: the company is
then loaded, built and audited with the rest.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from dagster_project.commands.connector.command import registered
from tests.connector.pages import served
from tests.recipes.scratch import Scratch
from tests.thorough import thorough

HERE = Path(__file__).parent
TOKEN = "key-of-the-test"
COMPANY = """
name: With Polls
currency: USD
timezone: UTC
as_of: 2024-06-30
sources:
  - name: polls
    type: polls
    url: %s
"""
CRM = """
  - name: crm
    type: files
    path: exports
    entities:
      opportunities: {from: deals}
"""
DEALS = "source_id,name,stage,amount,currency,created_at\nd1,First,Won,100,USD,2024-01-02\n"


def answer(number: int, score: object) -> dict[str, object]:
    at = f"2024-03-{number:02}T10:00:00Z"
    return {
        "id": f"a{number}", "updated_at": at, "answered_at": at, "deal": "d1", "kind": "nps",
        "score": score, "words": None,
    }  # fmt: skip


@pytest.fixture
def polls() -> Iterator[tuple[str, list[dict[str, object]]]]:
    """The address of an API that tells these answers, two a page."""
    answers = [answer(number, 7 + number) for number in (1, 2, 3)]
    with served(answers, TOKEN, "answers") as url:
        yield url, answers


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    """A copy of the project in which the recipe was followed."""
    scratch = Scratch.of(tmp_path / "copy")
    shutil.copytree(HERE / "polls", scratch.root / "ingestion" / "sources" / "polls")
    shutil.copytree(HERE / "staging", scratch.root / "dbt" / "models" / "staging" / "polls")
    registry = scratch.root / "ingestion" / "sources" / "registry.py"
    text = registry.read_text(encoding="utf-8")
    registry.write_text(registered(text, "polls", "POLLS"), encoding="utf-8")
    scratch.python("ingestion.contract.dbt_files")
    return scratch


def company(scratch: Scratch, url: str, others: str = "") -> Path:
    folder = scratch.root / "tried"
    (folder / "exports").mkdir(parents=True)
    (folder / "exports" / "deals.csv").write_text(DEALS)
    file = folder / "company.yml"
    file.write_text((COMPANY % url).rstrip() + others)
    return file


def test_it_is_one_folder_one_registration_and_a_model_for_each_entity(scratch: Scratch) -> None:
    cost = scratch.commit()
    places = {Path(name).parent.as_posix() for name in cost.written}
    assert places == {
        "ingestion/sources/polls",
        "ingestion/sources",
        "dbt/models/staging/polls",
        "dbt",
    }
    assert cost.written["ingestion/sources/registry.py"] <= 3
    assert cost.written["dbt/dbt_project.yml"] == 2  # which a command wrote
    assert sum(cost.written.values()) <= 350
    assert {*cost.generated} == {
        "dbt/macros/sources.sql",
        "dbt/models/staging/polls/_polls__sources.yml",
    }


LOAD = (
    "import sys; from pathlib import Path; from ingestion.company.reading import load_company; "
    "from ingestion.pipeline import load_source; "
    "company = load_company(Path(sys.argv[1])); "
    "print(load_source(company, company.sources[0]).tables)"
)


def load(scratch: Scratch, file: Path) -> str:
    """What a load of the file's first source brought."""
    return scratch.run(sys.executable, "-c", LOAD, str(file), POLLS_TOKEN=TOKEN)


def test_what_the_recipe_makes_is_loaded_and_loaded_anew_where_it_changed(
    scratch: Scratch, polls: tuple[str, list[dict[str, object]]]
) -> None:
    url, answers = polls
    file = company(scratch, url)
    loaded = load(scratch, file)
    assert "rows=3, rows_new=3, rows_changed=0, rows_deleted=0, rows_rejected=0" in loaded
    assert "is_unchanged=True" in load(scratch, file)
    answers[0]["score"], answers[1]["score"] = 1, "much"
    answers.append(answer(4, 10))
    loaded = load(scratch, file)
    assert "rows=4, rows_new=1, rows_changed=1, rows_deleted=0, rows_rejected=1" in loaded


@thorough
@pytest.mark.parametrize("others", ["", CRM], ids=["alone", "beside a CRM"])
def test_what_the_recipe_makes_is_built_audited_and_published(
    scratch: Scratch, polls: tuple[str, list[dict[str, object]]], others: str
) -> None:
    url, _ = polls
    file = company(scratch, url, others)
    scratch.python("dagster_project.cli", "run", "--company", str(file), POLLS_TOKEN=TOKEN)
    (warehouse,) = (scratch.root / "data").glob("*/warehouse.duckdb")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute(
            "select source_system, opportunity_id, type, score "
            "from intermediate.int_surveys__unioned order by source_id"
        ).fetchall()
    assert [(system, deal, kind, float(score)) for system, deal, kind, score in found] == [
        ("polls", "d1", "nps", score) for score in (8.0, 9.0, 10.0)
    ]
