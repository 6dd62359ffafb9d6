"""company.yml: one file that describes a company, read into validated settings.

`load_company` is the only way in. Whatever is wrong with the file is one `CompanyError`, a line for
each thing with the file, the key, the value and what is allowed, raised before anything is written.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

import yaml
from pydantic import (
    BaseModel,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from ingestion.company.provides import find_overlaps
from ingestion.company.pruning import Key, positions, without
from ingestion.contract.entities import Entity
from ingestion.errors import CompanyError, Problem, one_of
from ingestion.extension.extra import Extra, extra_problems, with_extra
from ingestion.extension.folder import Extension
from ingestion.settings import Currency, Settings, Zone
from ingestion.sources.files.settings import FilesSource
from ingestion.sources.hubspot.settings import HubSpotSource

Source = Annotated[FilesSource | HubSpotSource, Field(discriminator="type")]

STAND_INS = {"name": "Company", "currency": "USD", "timezone": "UTC"}
"""What stands in for settings that are wrong, so that the sources can be checked."""

SECRET = re.compile("token|secret|passw|credential|api_?key|^auth", re.IGNORECASE)
"""Keys beside which somebody may have written a secret: their values are not shown."""

ADDRESS = re.compile("://.*@", re.DOTALL)
"""An address with a user, and so perhaps with a password."""

MOMENTS = (
    "write a date such as 2024-03-31, which is that day's last moment, "
    "or a time such as 2024-03-31T18:00 or 2024-03-31T18:00+02:00"
)


class Retention(Settings):
    """How much of the past stays: `runs` whose logs and events do, and old `warehouses`."""

    runs: int = Field(10, ge=1)
    warehouses: int = Field(2, ge=0)


class Company(Settings):
    """A company: what company.yml says, defaults filled in.

    `as_of` is the moment that counts as now, as written; `moment` says what a bare date means.
    `closing` is what dates a deal's closing where both do: its `record`, or the move `told` by its
    history. `rejected_tolerance` is the share of an entity's rows that may break the contract
    before the audit fails. `sandbox` says that the company is a simulated one: runs start its
    systems and read from them, and now is its own present. `team`: whether a deal counts for the
    team and manager that its rep had then, or has now. `personal_quotas`: ids of owners whose
    quotas are their own, though somebody reports to them. `retention`: what of past runs stays.
    `extend` is the folder of what the company has of its own, `extra` the columns that it adds.
    """

    path: Path
    name: str = Field(min_length=1)
    currency: Currency
    timezone: Zone
    fiscal_year_start_month: int = Field(1, ge=1, le=12)
    as_of: dt.datetime | dt.date | None = None
    closing: Literal["record", "told"] = "record"
    rejected_tolerance: float = Field(0.01, ge=0, le=1)
    destination: Literal["duckdb", "postgres"] = "duckdb"
    sandbox: bool = False
    team: Literal["then", "now"] = "then"
    personal_quotas: tuple[str, ...] = ()
    retention: Retention = Retention()
    extend: Path | None = None
    extra: Extra
    sources: tuple[Source, ...]

    @field_validator("as_of", mode="before")
    @classmethod
    def _written_moment(cls, value: object) -> object:
        if value is None or isinstance(value, dt.date):
            return value
        try:
            return read_moment(str(value))
        except ValueError:
            raise ValueError(f"not a moment; {MOMENTS}") from None

    @field_validator("extend")
    @classmethod
    def _beside_company_file(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if path is None:
            return None
        found = ((info.context or {}).get("folder", Path()) / path).resolve()
        if not found.is_dir():
            raise ValueError(f"no such folder ({found}); paths are relative to the company file")
        return found

    @field_validator("sources")
    @classmethod
    def _unique_names(cls, sources: tuple[Source, ...]) -> tuple[Source, ...]:
        if not sources:
            raise ValueError("at least one source is needed")
        names = [source.name for source in sources]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two sources are named '{name}'; names must be unique")
        return sources

    @model_validator(mode="after")
    def _has_letters(self) -> Company:
        if not self.slug:
            raise ValueError("'name' needs at least one letter or digit")
        return self

    @model_validator(mode="after")
    def _within_reach(self) -> Company:
        try:
            _ = self.own_as_of
        except OverflowError:
            raise ValueError(f"'as_of' is out of reach; {MOMENTS}") from None
        return self

    @property
    def slug(self) -> str:
        """Name of the company's folder under data/: lower case, words joined by underscores."""
        return _slug(self.name)

    @property
    def source_types(self) -> tuple[str, ...]:
        """The types of the company's sources, each once, sorted."""
        return tuple(sorted({source.type for source in self.sources}))

    @property
    def extension(self) -> Extension:
        """The KPIs, marts and audit rules that the company has of its own."""
        return Extension(self.extend)

    @property
    def entities(self) -> Mapping[str, Entity]:
        """The entities of the contract, with the columns that the company adds."""
        return with_extra(self.extra)

    @property
    def own_as_of(self) -> dt.datetime | None:
        """The moment of `as_of`, in UTC without zone; None where company.yml has none."""
        return self.moment(self.as_of) if self.as_of else None

    def moment(self, value: dt.datetime | dt.date) -> dt.datetime:
        """A moment in UTC, without zone: naive times are the company's own.

        A bare date is that day's last moment there: the later one where the clocks show it twice,
        the one before their leap where they skip it.
        """
        if not isinstance(value, dt.datetime):
            value = dt.datetime.combine(value, dt.time.max.replace(fold=1))
        if value.tzinfo is None:
            value = value.replace(tzinfo=ZoneInfo(self.timezone))
        return value.astimezone(dt.UTC).replace(tzinfo=None)


def read_moment(text: str) -> dt.datetime | dt.date:
    """A moment as written: a bare date, or a time. Raises ValueError when it is neither."""
    return dt.date.fromisoformat(text) if len(text) <= 10 else dt.datetime.fromisoformat(text)


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
    document = _read_yaml(path)
    company, rest, problems = _in_form(path, document)
    if company:
        beyond = list(_source_problems(company, rest))
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
    told = [f"{path}: {_explain(document, problem)}" for problem in problems]
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
        problems = problems or [_as_problem(details) for details in found]
        less = {**STAND_INS, **without(rest, (_in_place(it["loc"], rest) for it in found))}
        if less == rest or not positions(less):
            return None, rest, problems
        rest = less


def _validated(path: Path, document: dict[str, Any]) -> Company:
    """The company of a document, the sources that were left out of it aside."""
    sources = document.get("sources")
    if isinstance(sources, list):
        document = {**document, "sources": [sources[it] for it in positions(document)]}
    return Company.model_validate(
        {**document, "path": path},
        context={"folder": path.parent, "exports": _sandbox_exports(document)},
    )


def _in_place(location: tuple[str | int, ...], document: dict[str, Any]) -> Key:
    """The key in the document that pydantic's location of something wrong means."""
    if location[:1] != ("sources",) or len(location) < 2:
        return location
    _, number, *rest = location
    return ("sources", positions(document)[int(number)], *rest[1:])


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _sandbox_exports(document: dict[str, Any]) -> Path | None:
    """The folder that a simulated company's first run writes its exports to."""
    from ingestion.paths import data_root

    if not document.get("sandbox"):
        return None
    folder = data_root() / _slug(str(document.get("name")))
    return (folder / "sandbox" / "exports").resolve()


MAX_BYTES, MAX_LEVELS, MAX_NODES = 64 << 20, 100, 1_000_000
"""How deep and how large a company file may be, what its aliases stand for counted as often."""

_TEXT, _NULL = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "null"))


class _Loader(yaml.SafeLoader):
    """Loads YAML, refuses keys that are written twice, and takes `rows` and `provides` as written.

    YAML would drop the first of two keys, and make of 0123 the number 83, of NO false, of 12:30
    the number 750. What is nested deeper than any company, or grows by aliases, is refused, and so
    are characters that no SQL holds: NUL, and half of a pair.
    """

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.depth += 1
        if self.depth > MAX_LEVELS:
            problem = f"nested more than {MAX_LEVELS} levels deep: no key is so deep"
            raise yaml.constructor.ConstructorError(None, None, problem, self.get_mark())
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_document(self, node: yaml.Node) -> Any:
        if _weight(node, {}) > MAX_NODES:
            problem = f"more than {MAX_NODES:,} values, aliases written out: write fewer"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return super().construct_document(node)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, AttributeError):  # a date such as 2024-02-30
            kind = node.tag.rpartition(":")[2]
            problem = f"{_shorten(node.value)} is no {kind}; where it is text, put it in quotes"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        text = super().construct_scalar(node)
        if bad := re.search("[\0\ud800-\udfff]", str(text)):
            problem = f"the character U+{ord(bad[0]):04X} is no text"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return text

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        first: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and first.setdefault(key.value, line) != line:
                problem = f"key '{key.value}' was already written in line {first[key.value]}"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        for key, value in node.value:
            if key.value == "rows" and isinstance(value, yaml.SequenceNode):
                _take_as_text(value.value)
            elif key.value == "provides":
                _take_as_text([value])
        return super().construct_mapping(node, deep)


def _weight(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node is, those that aliases stand for counted as often as they do."""
    if id(node) in known or isinstance(node, yaml.ScalarNode):
        return known.get(id(node), 1)
    known[id(node)] = MAX_NODES + 1  # until it is known, lest it hold itself
    pairs = isinstance(node, yaml.MappingNode)
    inner = [one for pair in node.value for one in pair] if pairs else node.value
    known[id(node)] = 1 + sum(_weight(one, known) for one in inner)
    return known[id(node)]


def _take_as_text(rows: list[yaml.Node]) -> None:
    for row in rows:
        for _, value in row.value if isinstance(row, yaml.MappingNode) else ():
            if isinstance(value, yaml.ScalarNode) and value.tag != _NULL:
                value.tag = _TEXT


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        if path.exists() and not path.is_file():
            raise CompanyError(f"{path}: not a file; name the company's file")
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            raise CompanyError(
                f"{path}: over {MAX_BYTES >> 20} MB; put rows into files of a source"
            )
        text = path.read_text(encoding="utf-8")
        document = yaml.load(text, _Loader)
    except OSError as error:
        raise CompanyError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise CompanyError(f"{path}: not a text file in UTF-8; save it as one") from None
    except yaml.reader.ReaderError as error:
        number = text.count("\n", 0, error.position) + 1
        raise CompanyError(
            f"{path}, line {number}: not valid YAML: a character that is no text "
            f"(#x{error.character:04x}); remove it"
        ) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise CompanyError(f"{path}, line {line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise CompanyError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(document, dict):
        raise CompanyError(f"{path}: expected keys such as name, currency, timezone and sources")
    return document


def _source_problems(company: Company, document: dict[str, Any]) -> Iterator[Problem]:
    """What is wrong with sources beyond the form of their settings."""
    from ingestion.sources.files.validation import find_problems

    yield from extra_problems(company.extra)
    places = positions(document)
    for (_, index, *rest), value, message in find_overlaps(company.sources):
        yield Problem(("sources", places[int(index)], *rest), value, message)
    for index, source in zip(places, company.sources, strict=True):
        if isinstance(source, FilesSource) and source.path.is_dir():
            for key, value, message in find_problems(source, company.timezone, company.entities):
                yield Problem(("sources", index, *key), value, message)


def _as_problem(details: ErrorDetails) -> Problem:
    """What pydantic found, in words of the company file."""
    key, value, message = details["loc"], details["input"], details["msg"]
    is_in_source = key[:1] == ("sources",) and len(key) > 2
    shown = (*key[:2], *key[3:]) if is_in_source else key  # without the type that pydantic inserts
    if details["type"] == "extra_forbidden":
        return Problem(shown, value, f"unknown key; {one_of(str(key[-1]), _keys_beside(key))}")
    if details["type"] == "missing":
        return Problem(shown, None, "missing: this key is required")
    if details["type"].startswith("union_tag"):
        types = [str(type_) for model in _models_in(Source) for type_ in _types(model)]
        given = value.get("type") if isinstance(value, dict) else value
        return Problem((*shown, "type"), given, f"no type of source; {one_of(str(given), types)}")
    return Problem(shown, value, message.removeprefix("Value error, "))


def _keys_beside(location: tuple[str | int, ...]) -> list[str]:
    """The keys that are allowed where an unknown one was found."""
    models: list[type[BaseModel]] = [Company]
    for step in location[:-1]:
        fields = {f.alias or n: f for model in models for n, f in model.model_fields.items()}
        if step in fields:
            models = _models_in(fields[str(step)].annotation)
        elif any(step in _types(model) for model in models):
            models = [model for model in models if step in _types(model)]
    names = (f.alias or n for model in models for n, f in model.model_fields.items())
    return [name for name in names if models != [Company] or name != "path"]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The settings that an annotation is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _types(model: type[BaseModel]) -> tuple[Any, ...]:
    """The values of a source's `type`."""
    field = model.model_fields.get("type")
    return get_args(field.annotation) if field else ()


def _explain(document: dict[str, Any], problem: Problem) -> str:
    """What is wrong, in one line."""
    key, value, message = problem
    steps = [str(step) for step in key]
    if len(key) > 1 and key[0] == "sources":
        source = document["sources"][key[1]]
        name = source.get("name") if isinstance(source, dict) else None
        steps[1] += f" ({name})" if name else ""
    given = "" if value is None or isinstance(value, dict | list) else f" = {_shorten(value)}"
    if given and (SECRET.search(str(key[-1] if key else "")) or ADDRESS.search(str(value))):
        given = " = ***"
    return f"{'.'.join(steps) or 'the whole file'}{given}: {message}"


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
