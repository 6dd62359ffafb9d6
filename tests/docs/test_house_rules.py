"""Hooks, the CI workflow and what git is told: they call, and mark, what is there."""

from __future__ import annotations

import importlib
import subprocess
import tomllib
from typing import Any

import yaml

from ingestion.contract.dbt_files import files
from ingestion.paths import PROJECT

WRITTEN_BY_COMMANDS = {
    "dbt/macros/kpi_metrics.sql",
    "docs/kpis.md",
    "docs/monday.md",
    "docs/tour.md",
    "requirements-referees.lock",
    "requirements.lock",
    "tests/orchestration/asset_graph.txt",
}
"""What follows from other files than the contract."""


def read(name: str) -> Any:
    return yaml.safe_load((PROJECT / name).read_text(encoding="utf-8"))


def test_the_hook_runs_lint_and_fetches_nothing() -> None:
    [repository] = read(".pre-commit-config.yaml")["repos"]
    [hook] = repository["hooks"]
    assert repository["repo"] == "local"
    assert (hook["entry"], hook["language"]) == ("make lint", "system")


def test_the_workflow_only_calls_what_any_machine_runs() -> None:
    [job] = read(".github/workflows/ci.yml")["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert (PROJECT / ".ci" / "run").stat().st_mode & 0o100


def test_what_commands_write_is_marked_as_generated() -> None:
    listed = _git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    told = _git("check-attr", "-z", "--stdin", "linguist-generated", given=listed).split("\0")
    marked = {path for path, value in zip(told[::3], told[2::3], strict=False) if value == "set"}
    of_the_contract = {str(path.relative_to(PROJECT)) for path, _ in files()}
    assert marked == of_the_contract | WRITTEN_BY_COMMANDS


def test_the_command_is_there() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, function = project["scripts"]["salesops"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_versions_agree() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    latest = changelog.partition("\n## [")[2].partition("]")[0]
    assert project["version"] == read("dbt/dbt_project.yml")["version"] == latest


def _git(*arguments: str, given: str = "") -> str:
    return subprocess.run(
        ["git", *arguments], cwd=PROJECT, input=given, capture_output=True, text=True, check=True
    ).stdout
