"""Reads company files: `load_company` is the only way in.

Whatever is wrong with the file is one `CompanyError`, a line for each thing with the file, the key,
the value and what is allowed, raised before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ingestion.company.document import read_document
from ingestion.company.goals import goal_problems
from ingestion.company.provides import find_overlaps
from ingestion.company.pruning import Key, positions, without
from ingestion.company.settings import Company, slug_of
from ingestion.company.wording import as_problem, explain
from ingestion.errors import CompanyError, Problem
from ingestion.extension.extra import extra_problems, names_added
from ingestion.paths import data_root

STAND_INS = {"name": "Company", "currency": "USD", "timezone": "UTC"}
"""What stands in for settings that are wrong, so that the sources can be checked."""


@dataclass(frozen=True)
class Read:
    """What a company file says.

    `problems` is all that is wrong with it, a line each; `company` is the rest, as far as it can
    be used: None where too little is right.
    """

    company: Company | None
    problems: tuple[str, ...]


def load_company(path: Path) -> Company:
    """Read and validate a company file.

    Raises CompanyError of everything that is wrong, naming file, key, value and what is allowed.
    """
    read = read_company(path)
    if read.problems or read.company is None:
        raise CompanyError(*read.problems)
    return read.company


def read_company(path: Path) -> Read:
    """Read a company file as far as it is right. Raises CompanyError where it is no YAML."""
    path = path.resolve()
    document = read_document(path)
    company, rest, problems = _in_form(path, document)
    if company:
        beyond = [
            *_source_problems(company, rest),
            *goal_problems(company.goals, company.extension, company.entities),
        ]
        wrong = [
            it.key for it in beyond if it.key[2:3] == ("entities",) and it.key[-1] != "columns"
        ]
        company = _in_form(path, without(rest, wrong))[0] if wrong else company
        views = {problem.key[:3] for problem in problems}  # without which no `from` is right
        problems += [
            problem
            for problem in beyond
            if problem.key[-1:] != ("from",) or (*problem.key[:2], "views") not in views
        ]
    told = [f"{path}: {explain(document, problem)}" for problem in problems]
    own = company.extension.problems() if company else ()
    return Read(company, tuple(dict.fromkeys([*told, *own])))


def _in_form(
    path: Path, document: dict[str, Any]
) -> tuple[Company | None, dict[str, Any], list[Problem]]:
    """The company that is left without what is wrong in its form, what it is read from, and that.

    None where nothing is left.
    """
    rest: dict[str, Any] = document
    problems: list[Problem] = []
    while True:
        try:
            return _validated(path, rest), rest, problems
        except ValidationError as error:
            found = sorted(error.errors(include_url=False), key=lambda it: it["type"] == "missing")
        problems = problems or [as_problem(details) for details in found]
        less = {**STAND_INS, **without(rest, (_in_place(it["loc"], rest) for it in found))}
        if less == rest or not positions(less):
            return None, rest, problems
        rest = less


def _validated(path: Path, document: dict[str, Any]) -> Company:
    """The company of a document, the sources that were left out of it aside."""
    sources = document.get("sources")
    if isinstance(sources, list):
        document = {**document, "sources": [sources[it] for it in positions(document)]}
    data = data_root() / slug_of(str(document.get("name")))
    added = names_added(document.get("extra"))
    return Company.model_validate(
        {**document, "path": path},
        context={"folder": path.parent, "data": data, "extra": added},
    )


def _in_place(location: tuple[str | int, ...], document: dict[str, Any]) -> Key:
    """The key in the document that pydantic's location of something wrong means."""
    if location[:1] != ("sources",) or len(location) < 2:
        return location
    _, number, *rest = location
    return ("sources", positions(document)[int(number)], *rest[1:])


def _source_problems(company: Company, document: dict[str, Any]) -> Iterator[Problem]:
    """What is wrong with sources, and columns added to them, beyond the form of their settings."""
    yield from extra_problems(company.extra)
    places = positions(document)
    for (_, index, *rest), value, message in find_overlaps(company.sources):
        yield Problem(("sources", places[int(index)], *rest), value, message)
    for index, source in zip(places, company.sources, strict=True):
        for key, value, message in source.problems(company.timezone, company.entities):
            yield Problem(("sources", index, *key), value, message)
