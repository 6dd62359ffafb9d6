"""What made a publication, apart from the data: the code, the dbt project, the company's file."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dagster_project.run.dbt_project import project_files
from ingestion.company.settings import Company
from ingestion.paths import PROJECT

PACKAGES = ("dagster_project", "expectations", "ingestion")


def recipe_hash(company: Company) -> str:
    """Hash of all that a run is made by: equal hashes and equal inputs give equal numbers."""
    digest = hashlib.sha256(code_hash().encode() + company.path.read_bytes())
    for path in company.extension.files:
        digest.update(str(path).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@cache
def code_hash() -> str:
    """Hash of the code and of what it runs on, as this process found them."""
    digest = hashlib.sha256(sys.version.encode())
    for path in _files():
        digest.update(str(path.relative_to(PROJECT)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files() -> Iterator[Path]:
    yield PROJECT / "requirements.lock"
    yield from project_files()
    for package in PACKAGES:
        found = (PROJECT / package).rglob("*")
        yield from sorted(path for path in found if path.is_file() and path.suffix != ".pyc")


def code_version() -> str:
    """The commit of the checkout, marked when files were changed since; else the version."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--tags"],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=True,
        )
        return described.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return _declared_version()


def _declared_version() -> str:
    try:
        return version("salesops")
    except PackageNotFoundError:
        import tomllib

        with (PROJECT / "pyproject.toml").open("rb") as file:
            return tomllib.load(file)["project"]["version"]
