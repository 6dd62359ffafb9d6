"""A company with columns, a KPI, a mart and audit rules of its own: one whole run of it.

What the numbers must be is worked out in tests/companies/extended/README.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.numbers.receipts import Receipts
from dagster_project.publication import open_published
from dagster_project.run.dbt_runner import Dbt
from dagster_project.run.recipe import recipe_hash
from ingestion.company.reading import load_company
from ingestion.extension.product import CUTS
from tests.extend import company
from tests.extend.company import EXTENDED, OUTPUT
from tests.kpis.companies import Published
from tests.kpis.receipts import disagreements, some_of_each


@pytest.fixture(scope="module")
def extended() -> Published:
    return company.extended()


def values(published: Published, metric: str, variant: str, grain: str, dimension: str) -> Any:
    found = published.marts(
        "select strftime(period_start, '%m') as month, dimension_key, numerator, denominator "
        "from marts.kpi_values where metric = ? and variant = ? and period_grain = ? "
        "and dimension = ? order by 1, 2",
        [metric, variant, grain, dimension],
    )
    return [
        (
            row.month if grain != "all" else row.dimension_key,
            int(row.numerator),
            int(row.denominator) if row.denominator == row.denominator else None,
        )
        for row in found.itertuples()
    ]


def test_its_kpi_by_month(extended: Published) -> None:
    rate = "demo_to_close_rate"
    months = values(extended, rate, "default", "month", "company")
    assert months == [("01", 1, 3), ("02", 2, 4), ("03", 0, 1)]
    assert values(extended, rate, "default", "all", "company") == [("all", 3, 8)]
    assert values(extended, rate, "decided", "month", "company") == [("01", 1, 2), ("02", 2, 4)]
    assert extended.kpi(rate) == pytest.approx(3 / 8)


def test_its_kpi_and_ours_by_its_column(extended: Published) -> None:
    assert values(extended, "demo_to_close_rate", "default", "all", "label") == [
        ("(none)", 0, 1),
        ("inbound", 2, 3),
        ("outbond", 0, 1),
        ("outbound", 1, 3),
    ]
    won = [row[:2] for row in values(extended, "deals_won", "default", "all", "label")]
    assert won == [("(none)", 1), ("inbound", 2), ("outbound", 1)]
    cut = extended.marts("select distinct metric from marts.kpi_values where dimension = 'label'")
    assert {"pipeline_value", "pipeline_created", "win_rate"} <= set(cut["metric"])


def test_its_receipts(extended: Published) -> None:
    """Also of its KPI and by its column."""
    with open_published(extended.folder / "published" / "salesops.duckdb") as connection:
        assert disagreements(Receipts(connection)) == []
        by_label = {cell.metric for cell in some_of_each(connection) if cell.cut == "label"}
    assert {"demo_to_close_rate", "deals_won"} <= by_label


def test_its_exclusions_and_definition(extended: Published) -> None:
    excluded = extended.marts(
        "select entity_id, reason from marts.kpi_exclusions "
        "where metric = 'demo_to_close_rate' and variant = 'default'"
    )
    assert excluded.values.tolist() == [["shown_and_deleted", "deleted"]]
    [[definition, owner, hashed]] = extended.marts(
        "select definition, owner, definition_hash from marts.kpi_definitions "
        "where metric = 'demo_to_close_rate' and variant = 'default'"
    ).values.tolist()
    assert definition.startswith("Deals to which the product was shown")
    assert (owner, len(hashed)) == ("sales_operations", 32)


def test_its_columns_reach_the_facts(extended: Published) -> None:
    deals = extended.marts(
        "select opportunity_id, label, demo_at from marts.fct_opportunities "
        "where opportunity_id in ('inbound_won', 'to_be_shown') order by 1"
    )
    assert deals["label"].tolist() == ["inbound", "inbound"]
    assert str(deals["demo_at"][0]) == "2024-01-10 15:00:00"
    assert deals["demo_at"].isna().tolist() == [False, True], "the demo has not happened yet"
    tiers = extended.marts("select account_id, tier from marts.dim_account order by 1")
    assert tiers["tier"].fillna("").tolist() == ["gold", ""]
    with duckdb.connect(extended.folder / "published" / "salesops.duckdb", read_only=True) as file:
        [comment] = file.execute(
            "select comment from duckdb_columns() "
            "where (table_name, column_name) = ('fct_opportunities', 'label')"
        ).fetchall()
    assert comment == ("How the deal came about.",)


def test_its_mart_is_published(extended: Published) -> None:
    expected = [
        ("inbound", "2024-01-01", 2, 1),
        ("inbound", "2024-02-01", 1, 1),
        ("outbond", "2024-03-01", 1, 0),
        ("outbound", "2024-01-01", 1, 0),
        ("outbound", "2024-02-01", 2, 1),
        (None, "2024-02-01", 1, 0),
    ]
    parquet = extended.folder / "published" / "parquet" / "mart_demos.parquet"
    file = extended.folder / "published" / "salesops.duckdb"
    query = "select label, cast(month_start as varchar), n_shown, n_won from {} order by 1, 2"
    with duckdb.connect(file, read_only=True) as reader:
        assert reader.execute(query.format("marts.mart_demos")).fetchall() == expected
        assert reader.execute(query.format(f"'{parquet}'")).fetchall() == expected
    manifest = json.loads((file.parent / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["row_counts"]["mart_demos"] == len(expected)


def test_its_audit_rules_bite(extended: Published) -> None:
    audit = json.loads((extended.folder / "audit" / "marts.json").read_text(encoding="utf-8"))
    results = {(one["table"], one["name"]): one for one in audit["report"]["results"]}
    misspelt = results["marts.fct_opportunities", "label_known"]
    assert misspelt["severity"] == "warning"
    assert (misspelt["success"], misspelt["unexpected"]) == (False, 1)
    assert misspelt["sample_keys"] == ["crm/label_misspelt"]
    assert results["marts.mart_demos", "no_more_won_than_shown"]["success"]
    assert results["marts.mart_demos", "month_ahead"]["success"]
    assert "label_known" in (extended.folder.parent / OUTPUT).read_text(encoding="utf-8")
    pages = extended.folder / "data_docs" / "validations"
    assert "label is one that we use" in (pages / "marts.fct_opportunities.html").read_text("utf-8")
    assert (pages / "marts.mart_demos.html").exists()


def test_its_kpi_is_in_a_dictionary_beside_the_numbers(extended: Published) -> None:
    page = (extended.folder / "published" / "kpis.md").read_text(encoding="utf-8")
    assert "\n## win_rate\n" in page
    own = page[page.index("\n## demo_to_close_rate\n") :]
    assert "| `decided` | won / shown a demo and closed since" in own
    assert "own/kpis/demos/demo_to_close_rate.sql`" in own


def test_its_models_have_rooms_and_owners(
    extended: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESOPS_DATA", str(extended.folder.parent))
    dbt = Dbt.of(load_company(extended.company))
    assert dbt.project.folder.is_relative_to(extended.folder)
    nodes = dbt.manifest()["nodes"]
    room = {
        name: nodes[f"model.salesops.{name}"]["group"]
        for name in ("demo_to_close_rate", "mart_demos")
    }
    assert room == {"demo_to_close_rate": "own_kpis", "mart_demos": "own_marts"}


def test_cuts_are_those_of_the_metrics(extended: Published) -> None:
    found = extended.marts("select * from marts.kpi_members limit 0").columns
    usual = {"metric", "variant", "entity", "entity_key", "entity_id", "period_on", "counts_in"}
    usual |= {"opportunity_key", "side", "numerator", "denominator", "exclusion_reason"}
    assert set(found) - usual == {*CUTS, "label"}


def test_what_it_adds_is_part_of_the_recipe(tmp_path: Path) -> None:
    import shutil

    shutil.copytree(EXTENDED.exports, tmp_path / "company")
    settings = load_company(tmp_path / "company" / "company.yml")
    before = recipe_hash(settings)
    rules = tmp_path / "company" / "own" / "audit" / "mart_demos.yml"
    rules.write_text(rules.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert recipe_hash(settings) != before
