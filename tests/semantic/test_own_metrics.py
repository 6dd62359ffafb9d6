"""The semantic layer of a company that has metrics and cuts of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from dagster_project.commands.metrics import Question, SemanticLayer
from dagster_project.run.dbt_runner import Dbt
from dagster_project.run.semantic_layer import semantics
from ingestion.company.reading import load_company
from tests.extend.company import EXTENDED, extended
from tests.kpis.companies import COMPANIES

RATE = "kpis/demos/demo_to_close_rate"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the company; it is parsed, and nothing of it is run."""
    shutil.copytree(COMPANIES / "extended", tmp_path / "company")
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    return tmp_path / "company"


def test_its_metric_and_its_cut_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESOPS_DATA", str(extended().folder.parent))
    layer = SemanticLayer(Dbt.of(load_company(EXTENDED.file)).semantics())
    assert {"demo_to_close_rate", "demo_to_close_rate_decided", "win_rate"} <= layer.metrics.keys()
    for metric in ("demo_to_close_rate", "win_rate"):
        assert "label" in layer.metrics[metric]["cuts"]
        question = Question.of(f"--metrics {metric} --group-by member__label")
        assert "label AS member__label" in layer.sql(layer.request(question))


def test_no_name_of_its_own_keeps_its_project_from_being_read(folder: Path) -> None:
    """MetricFlow keeps some names to itself, and a metric may be called as a variant of ours is."""
    (folder / "own" / f"{RATE}.sql").rename(folder / "own" / "kpis/demos/win_rate_decided.sql")
    words = (folder / "own" / f"{RATE}.yml").read_text(encoding="utf-8")
    (folder / "own" / f"{RATE}.yml").unlink()
    words = words.replace("demo_to_close_rate", "win_rate_decided")
    (folder / "own" / "kpis/demos/win_rate_decided.yml").write_text(words, encoding="utf-8")
    for file in (folder / "own" / "marts").rglob("*.sql"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("demo_to_close_rate", "win_rate_decided"), encoding="utf-8")
    company_file = folder / "company.yml"
    told = company_file.read_text(encoding="utf-8")
    added = "    seller: {type: text, cut: true}\n    hour: {type: text, cut: true}\n    demo_at"
    company_file.write_text(told.replace("    demo_at", added, 1), encoding="utf-8")
    company = load_company(company_file)
    document = yaml.safe_load(semantics(company.extension, company.entities))
    names = [metric["name"] for metric in document["metrics"]]
    assert len(names) == len({*names})
    formulas = {one["name"]: one["description"] for one in document["metrics"]}
    assert formulas["win_rate_decided"].startswith("won / shown a demo, by the day of the demo")
    assert formulas["win_rate_decided_variant"].startswith("won / (won + lost)")
    [members] = document["semantic_models"]
    assert {"seller_cut", "hour_cut"} <= {one["name"] for one in members["dimensions"]}
    Dbt.of(company).check()
