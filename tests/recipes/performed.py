"""All recipes, performed in one copy of the project, built, tested and published there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.kpis.companies import Published
from tests.recipes.recipe import recipes
from tests.recipes.scratch import Cost, Scratch

MODELS = ("expansions_won", "expansion_share", "mart_loss_reasons")
WHAT_A_CHANGE_MUST_PASS = (
    "tests/docs/test_documentation.py",
    "tests/docs/test_exposures.py",
    "tests/docs/test_front_page.py",
    "tests/expectations/test_suites.py",
    "tests/orchestration/test_graph.py",
    "tests/pipeline/test_rooms.py",
    # The edge cases, which a recipe does not touch.
    *("--deselect", "tests/docs/test_front_page.py::test_the_queries_have_answers"),
)
COMPANY = """\
name: Tiny
currency: USD
timezone: UTC
as_of: 2024-06-30
sources:
  - name: crm
    type: files
    path: exports
    entities:
      users:
        rows:
          - {source_id: ann, name: Ann}
      pipeline_stages:
        rows:
          - {stage: Open, stage_order: 1, status: open}
          - {stage: Won, stage_order: 2, status: won}
          - {stage: Lost, stage_order: 3, status: lost}
      opportunities: {from: deals}
"""
DEALS = """\
source_id,name,owner_id,stage,amount,created_at,closed_at,deal_type,loss_reason,competitor
1,More seats,ann,Won,100,2024-01-02,2024-02-01,expansion,,
2,A first sale,ann,Won,300,2024-01-02,2024-02-03,new,,Acme
3,Another,ann,Lost,50,2024-01-02,2024-02-04,expansion,price,Acme
4,Too big,ann,Open,1000000000,2024-01-02,,new,,
"""


@dataclass(frozen=True)
class Performed:
    """What the recipes have cost, by title, and what commands have written after them."""

    costs: Mapping[str, Cost]
    generated: Cost
    company: Published


def performed(root: Path) -> Performed:
    """Perform all recipes in a copy of the project, and run it on a tiny company."""
    scratch = Scratch.of(root)
    costs = {title: scratch.perform(steps) for title, steps in recipes().items()}
    scratch.run("make", "contract", "graph")
    generated = scratch.commit()
    written = [name for cost in costs.values() for name in (*cost.written, *cost.tests)]
    code = sorted({name for name in written if name.endswith(".py")})
    scratch.python("ruff", "check", *code)
    scratch.python("ruff", "format", "--check", *code)
    scratch.python("sqlfmt", "--quiet", "--check", *(n for n in written if n.endswith(".sql")))

    company = root / "data" / "company.yml"
    (company.parent / "exports").mkdir(parents=True)
    company.write_text(COMPANY, encoding="utf-8")
    (company.parent / "exports" / "deals.csv").write_text(DEALS, encoding="utf-8")
    scratch.python("dagster_project.cli", "run", "--company", str(company))
    scratch.python("tests.recipes.unit_tests", str(company), *MODELS)
    scratch.python("pytest", "-n", "0", *WHAT_A_CHANGE_MUST_PASS)
    scratch.python(
        *("pytest", "-n", "0", "tests/expectations/test_checks.py"),
        *("-k", "amount_implausible and duckdb"),
    )
    return Performed(costs, generated, Published(company, root / "data" / "tiny"))
