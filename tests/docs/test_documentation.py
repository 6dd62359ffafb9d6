"""What is written down is what is so: generated files, the KPI dictionary, examples."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dagster_project.commands.kpi_dictionary import PAGE
from dagster_project.publishing.dictionary import dictionary
from dagster_project.run.dbt_manifest import MODEL, metrics
from dagster_project.run.kpi_metrics import MACRO, metrics_macro, product_metrics
from ingestion.company.reading import load_company
from ingestion.contract.dbt_files import files
from ingestion.paths import PROJECT
from ingestion.pipeline import load_source

COMPANY_FILE = (PROJECT / "docs" / "company.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("path", "text"), files(), ids=lambda value: getattr(value, "name", ""))
def test_generated_files_say_what_the_contract_says(path: Path, text: str) -> None:
    assert path.read_text(encoding="utf-8") == text, "run `make contract`"


def test_the_kpi_dictionary_says_what_the_models_say(manifest: Mapping[str, Any]) -> None:
    assert PAGE.read_text(encoding="utf-8") == dictionary(manifest), "run `make contract`"


def test_every_kpi_says_what_the_frame_asks(manifest: Mapping[str, Any]) -> None:
    kinds = {"sum", "share", "quotient", "median", "product"}
    for metric in metrics(manifest):
        meta = manifest["nodes"][f"{MODEL}{metric}"]["config"]["meta"]
        assert {"owner", "better", "kind", "unit", "cuts", "variants", "order"} <= meta.keys()
        variants = [said for said in meta["variants"].values() if isinstance(said, dict)]
        assert "default" in meta["variants"], metric
        assert {meta["kind"], *(said.get("kind", "sum") for said in variants)} <= kinds, metric


def test_the_list_of_kpis_is_their_files() -> None:
    assert MACRO.read_text(encoding="utf-8") == metrics_macro(product_metrics()), (
        "run `make contract`"
    )


def test_every_mart_and_its_columns_are_documented_contracted_and_owned(
    manifest: Mapping[str, Any],
) -> None:
    marts = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] in ("marts", "people")
    ]
    lacking = [
        f"{node['name']}.{column['name']}"
        for node in marts
        for column in [{"name": "", **node}, *node["columns"].values()]
        if not column["description"].strip()
    ]
    assert len(marts) > 20
    assert lacking == []
    assert [node["name"] for node in marts if not node["config"]["contract"]["enforced"]] == []
    assert [node["name"] for node in marts if "owner" not in node["config"]["meta"]] == []


def test_the_example_of_a_company_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```yaml\n(name: Acme.*?)```", COMPANY_FILE, re.DOTALL)
    company_file = tmp_path / "acme.yml"
    company_file.write_text(example, encoding="utf-8")
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "people.csv").write_text(
        "employee_no,first_name,last_name,department\n007,Ann,Lee,East\n", encoding="utf-8"
    )
    (exports / "deals.csv").write_text(
        "deal_id,title,employee_no,stage,amount,product,opened,closes\n"
        "1,First,007,Won,,Basic,2024-01-02,2024-02-01\n"
        "2,Second,007,Proposal,75,Basic,2024-01-05,2024-03-01\n",
        encoding="utf-8",
    )
    (exports / "products.csv").write_text("product,list_price\nBasic,50\n", encoding="utf-8")
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    company = load_company(company_file)
    report = load_source(company, company.sources[0])
    assert {(table.entity, table.rows_new, table.rows_rejected) for table in report.tables} == {
        ("users", 1, 0),
        ("pipeline_stages", 4, 0),
        ("opportunities", 2, 0),
    }


def test_the_example_of_a_hubspot_source_is_valid(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(sources:\n  - name: crm\n.*?)```", COMPANY_FILE, re.DOTALL)
    company_file = tmp_path / "acme.yml"
    company_file.write_text(f"name: Acme\ncurrency: USD\ntimezone: UTC\n{example}", "utf-8")
    assert load_company(company_file).source_types == ("hubspot",)


def test_make_lists_its_commands() -> None:
    done = subprocess.run(["make", "help"], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    targets = re.findall(r"^([a-z]+):.*## ", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert len(targets) > 5
    assert all(f"\n  {target} " in done.stdout for target in targets)
