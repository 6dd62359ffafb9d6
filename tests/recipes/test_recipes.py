"""The recipes of CONTRIBUTING.md: what they cost, and that what they make gets published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingestion.paths import PROJECT
from tests.recipes.performed import Performed, performed
from tests.recipes.recipe import Step, recipes
from tests.recipes.scratch import Scratch
from tests.thorough import thorough

STEPS = [step for steps in recipes().values() for step in steps]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.path)
def test_a_step_can_be_taken(step: Step) -> None:
    path = PROJECT / step.path
    assert step.applied_to(path.read_text(encoding="utf-8") if path.exists() else "")


def test_a_count_and_a_ratio_take_two_short_files_each(tmp_path: Path) -> None:
    cost = Scratch.of(tmp_path).perform(recipes()["A KPI"])
    metrics = {Path(name).stem for name in cost.written}
    assert metrics == {"expansions_won", "expansion_share"}
    for metric in metrics:
        files = [name for name in cost.written if Path(name).stem == metric]
        assert len(files) == 2
        assert sum(cost.written[name] for name in files) <= 60
    assert not cost.generated


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Performed:
    return performed(tmp_path_factory.mktemp("recipes"))


@thorough
def test_what_the_recipes_make_is_published(done: Performed) -> None:
    assert done.company.kpi("expansions_won") == 1
    assert done.company.kpi("expansion_share") == 0.5
    reasons = done.company.marts("select * from marts.mart_loss_reasons").to_dict("records")
    assert [(row["loss_reason"], row["deals"], float(row["amount"])) for row in reasons] == [
        ("price", 1, 50.0)
    ]
    known = done.company.marts(
        "select opportunity_id from marts.fct_opportunities where competitor = 'Acme' order by 1"
    )
    assert list(known["opportunity_id"]) == ["2", "3"]


@thorough
def test_the_audit_tells_what_the_new_rule_finds(done: Performed) -> None:
    audit = json.loads((done.company.folder / "audit" / "marts.json").read_text(encoding="utf-8"))
    [told] = [it for it in audit["report"]["results"] if it["name"] == "amount_implausible"]
    assert (told["severity"], told["unexpected"], told["checked"]) == ("warning", 1, 4)


@thorough
def test_commands_write_what_follows(done: Performed) -> None:
    by_hand = {name for cost in done.costs.values() for name in (*cost.written, *cost.tests)}
    assert {"dbt/macros/kpi_metrics.sql", "docs/kpis.md", "dbt/macros/contract.sql"} <= {
        *done.generated.generated
    }
    # Of the front page a part is written, of which git knows nothing.
    assert {*done.generated.written} == {"README.md"}
    assert by_hand.isdisjoint(done.generated.generated)
