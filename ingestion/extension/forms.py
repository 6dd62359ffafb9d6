"""What the YAML of a company's own KPIs, marts and rules must say, and what is wrong with it."""

from __future__ import annotations

import string
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ingestion.errors import one_of
from ingestion.settings import Settings

PLACEHOLDERS = ("as_of", "as_of_day", "known_at", "now", "is_look_back")
"""What a rule may write in braces; `expectations.frames` fills them in."""

Kind = Literal["sum", "share", "quotient", "median", "product"]
Words = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class _Described(BaseModel):
    """What dbt reads, of which we ask for some."""

    model_config = ConfigDict(extra="allow", frozen=True)


class _MetricMeta(_Described):
    owner: Annotated[str, Field(pattern=r"^\w+$")]
    better: Literal["up", "down"]
    kind: Kind
    unit: Words
    cuts: tuple[Name, ...]
    variants: dict[Name, str | dict[str, Any]]

    @field_validator("variants")
    @classmethod
    def _with_a_usual_one(cls, variants: dict[str, Any]) -> dict[str, Any]:
        if "default" not in variants:
            raise ValueError("the usual variant is missing; name it 'default'")
        for name, said in variants.items():
            if isinstance(said, dict) and "formula" not in said:
                raise ValueError(f"'{name}' says no formula; write what it divides or adds up")
        return variants


class _MetricConfig(_Described):
    meta: _MetricMeta


class _Contract(_Described):
    enforced: Literal[True]


class _MartConfig(_Described):
    access: Literal["public"]
    contract: _Contract


class _Named(_Described):
    name: Name
    description: Words


class _Metric(_Named):
    config: _MetricConfig


class _Column(_Named):
    data_type: Words


class _Mart(_Named):
    config: _MartConfig
    columns: tuple[_Column, ...] = Field(min_length=1)


class MetricFile(_Described):
    """Beside the SQL of a KPI: the KPI."""

    models: tuple[_Metric] = Field()


class MartFile(_Described):
    """Beside the SQL of a mart: the mart, public and contracted."""

    models: tuple[_Mart] = Field()


class StepFile(_Described):
    """Beside the SQL of a step towards either: what it is."""

    models: tuple[_Named] = Field()


class Rule(Settings):
    """One thing that must hold: `never` is SQL that is true of rows that break it."""

    name: Name
    severity: Literal["critical", "warning"]
    description: Words
    never: Words

    @field_validator("never")
    @classmethod
    def _of_known_placeholders(cls, sql: str) -> str:
        try:
            named = [name for _, name, _, _ in string.Formatter().parse(sql) if name is not None]
        except ValueError:
            raise ValueError("a brace is not closed; a brace of SQL is written twice") from None
        for name in named:
            if name not in PLACEHOLDERS:
                raise ValueError(f"unknown {{{name}}}; {one_of(name, PLACEHOLDERS)}")
        return sql


class RulesFile(Settings):
    """The rules of the table that the file is named for; `keys` say which rows break them."""

    keys: tuple[Name, ...] = Field(min_length=1)
    rules: tuple[Rule, ...] = Field(min_length=1)


def read(path: Path, form: type[BaseModel]) -> tuple[BaseModel | None, list[str]]:
    """A YAML file in its form; None, and a line for each thing that is wrong, where it is not."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return form.model_validate(document), []
    except FileNotFoundError:
        return None, [f"{path}: no such file; it says what the SQL beside it is"]
    except (OSError, UnicodeDecodeError) as error:
        return None, [f"{path}: cannot be read ({error})"]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        return None, [f"{path}, line {line}: not valid YAML: {error.problem}"]
    except yaml.YAMLError as error:
        return None, [f"{path}: not valid YAML: {error}"]
    except ValidationError as error:
        return None, [*_told(path, error)]


def _told(path: Path, error: ValidationError) -> Iterator[str]:
    for found in error.errors(include_url=False):
        key = ".".join(str(step) for step in found["loc"]) or "the whole file"
        value = found["input"]
        given = "" if isinstance(value, dict | list) or value is None else f" = {value!r}"
        if found["type"] == "missing":
            yield f"{path}: {key}: missing: write it (docs/extend.md has an example)"
        else:
            yield f"{path}: {key}{given}: {found['msg'].removeprefix('Value error, ')}"
