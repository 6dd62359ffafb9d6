"""The two locks: whole, hashed, of one mind, and without the address of any registry."""

from __future__ import annotations

import ast
import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ingestion.paths import PROJECT

MAIN, REFEREES = "requirements.lock", "requirements-referees.lock"
PIN = re.compile(
    r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*])?==([^ ;\\]+)[^\n]*((?:\n {4}--hash=\S+.*)*)", re.MULTILINE
)
CODE = ("ingestion", "expectations", "dagster_project")
SDKS = ("google", "grpc", "facebook_business", "linkedin_api")
"""Modules that only tests may import."""


def text(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def pins(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Version and hashes of every package that a lock names."""
    return {
        canonicalize_name(package): (version, frozenset(re.findall(r"sha256:[0-9a-f]{64}", hashes)))
        for package, version, hashes in PIN.findall(text(name))
    }


def asked_for() -> dict[str, list[Requirement]]:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    extras = {"": project["dependencies"], **project["optional-dependencies"]}
    return {extra: [Requirement(line) for line in lines] for extra, lines in extras.items()}


def test_what_both_locks_name_is_the_same() -> None:
    main, referees = pins(MAIN), pins(REFEREES)
    shared = main.keys() & referees.keys()
    assert {"protobuf", "grpcio", "requests"} <= shared
    assert {name: referees[name] for name in shared} == {name: main[name] for name in shared}


@pytest.mark.parametrize(("lock", "extras"), [(MAIN, ("", "dev")), (REFEREES, ("referees",))])
def test_a_lock_has_what_is_asked_for(lock: str, extras: tuple[str, ...]) -> None:
    locked, by_extra = pins(lock), asked_for()
    for wanted in (it for extra in extras for it in by_extra[extra]):
        version, hashes = locked[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(version), wanted
        assert hashes, wanted


def test_referees_are_heavy_and_stay_out_of_what_everyone_installs() -> None:
    main = pins(MAIN)
    wanted = [canonicalize_name(it.name) for it in asked_for()["referees"]]
    assert wanted
    assert not main.keys() & set(wanted)
    assert not [name for name in main | pins(REFEREES) if "linkedin" in name]


@pytest.mark.parametrize("lock", [MAIN, REFEREES])
def test_a_lock_names_no_registry(lock: str) -> None:
    assert not re.findall(r"://|--index|--find-links", text(lock))


def test_nothing_but_tests_imports_a_referee() -> None:
    modules = [path for folder in CODE for path in (PROJECT / folder).rglob("*.py")]
    assert len(modules) > 100
    for path in modules:
        for it in ast.walk(ast.parse(path.read_bytes())):
            names = [alias.name for alias in it.names] if isinstance(it, ast.Import) else []
            names += [it.module or ""] if isinstance(it, ast.ImportFrom) and not it.level else []
            assert not [name for name in names if name.split(".")[0] in SDKS], path
