"""The dbt project of a company: the product's, with what the company has of its own beside it.

A company without any has the product's own folder. For another one a folder is made: links to the
product's files, what follows from its contract and metrics written anew, and links to its own
files. The product's tree is never written to, so that an upgrade has nothing to merge.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from dagster_project.run.kpi_metrics import MACRO, cuts_of, metrics_macro, product_metrics
from dagster_project.run.semantic_layer import FILE as SEMANTICS
from dagster_project.run.semantic_layer import semantics
from ingestion.company.settings import Company
from ingestion.contract.columns import ExtraColumn
from ingestion.contract.dbt_files import CONTRACT, texts
from ingestion.contract.types import TYPES
from ingestion.disk.kept import kept
from ingestion.extension.folder import KPIS, MARTS
from ingestion.extension.product import CUTS, show_extra
from ingestion.paths import PROJECT, CompanyPaths

PROJECT_FOLDER = PROJECT / "dbt"
FOLDERS = ("analyses", "macros", "models", "seeds", "tests")
ROOMS = {KPIS: "own_kpis", MARTS: "own_marts"}
"""The rooms of a company's own models, by folder: before the metrics are united, and last."""

MEMBERS = PROJECT_FOLDER / "models" / "kpis" / "kpi_members.yml"

IS_OF_MEMBERS = """\
-- A metric is its members: what `kpi_members` unites is in its SQL, and its YAML says all variants.
{{%- set meta = kpi_meta("{metric}") %}}
select
    {{%- for column in (meta.says or []) + meta.cuts %}} {{{{ column }}}}, {{%- endfor %}}
    variant, entity, entity_key, entity_id, period_on, numerator, denominator, exclusion_reason
from {{{{ ref("{metric}") }}}}
where variant is null or variant not in ('{{{{ meta.variants | join("', '") }}}}')
"""


def project_files() -> list[Path]:
    """The files of the product's project that its meaning depends on, sorted."""
    found = [path for folder in FOLDERS for path in (PROJECT_FOLDER / folder).rglob("*")]
    return sorted([*PROJECT_FOLDER.glob("*.yml"), *(path for path in found if path.is_file())])


@dataclass(frozen=True)
class DbtProject:
    """The project that a company's models are built from."""

    company: Company

    @property
    def is_the_products(self) -> bool:
        """Whether the company has nothing of its own."""
        return not (self.company.extension.files or self.company.extra)

    @property
    def folder(self) -> Path:
        """Where dbt finds it."""
        if self.is_the_products:
            return PROJECT_FOLDER
        places = "\0".join([self.digest, *map(str, self._contents.values())])
        key = hashlib.sha256(places.encode()).hexdigest()[:16]
        return kept(CompanyPaths.of(self.company).dbt, "project", key, self.write)

    @cached_property
    def digest(self) -> str:
        """Hash of all of its files."""
        digest = hashlib.sha256()
        for name, content in sorted(self._contents.items()):
            text = content.encode() if isinstance(content, str) else content.read_bytes()
            digest.update(name.encode() + b"\0" + hashlib.sha256(text).digest())
        return digest.hexdigest()[:16]

    def origin(self, path: str) -> Path | None:
        """The company's own file behind a path of the project, where there is one."""
        return self._own.get(path)

    def in_own_words(self, message: str) -> str:
        """A message of dbt's, in which the company's files have their own names."""
        for name, path in self._own.items():
            told = re.split(rf"\bmodel\.salesops\.{path.stem}\b", message.replace(name, str(path)))
            message = str(path).join(told)
        return message

    def write(self, folder: Path) -> None:
        """Make the project in a folder."""
        for name, content in self._contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                path.symlink_to(content)
            else:
                path.write_text(content, encoding="utf-8")

    @cached_property
    def _contents(self) -> Mapping[str, Path | str]:
        """By path in the project: the file that it is, or the text."""
        contents: dict[str, Path | str] = {_within(path): path for path in project_files()}
        if self.is_the_products:
            return contents
        extension = self.company.extension
        contents |= self._own
        metrics = [*product_metrics(), *extension.metrics]
        contents |= {_within(MACRO): metrics_macro(metrics), "dbt_project.yml": _settings()}
        contents[_within(SEMANTICS)] = semantics(extension, self.company.entities)
        contents |= dict(self._with_extra())
        if cuts := self._own_cuts():
            contents[_within(MEMBERS)] = _with_columns(MEMBERS, cuts)
        for metric in extension.metrics:
            contents[_test_of(metric)] = IS_OF_MEMBERS.format(metric=metric.stem)
        contents["models/own_rooms.yml"] = _rooms()
        return contents

    @cached_property
    def _own(self) -> Mapping[str, Path]:
        """The company's own files by path in the project; a test of a metric is that metric's."""
        extension = self.company.extension
        own = {_test_of(metric): metric for metric in extension.metrics}
        for kind, room in ROOMS.items():
            for path in (*extension.of(kind, ".sql"), *extension.of(kind, ".yml")):
                own[f"models/{room}/{path.relative_to(extension.place(kind))}"] = path
        return own

    def _with_extra(self) -> Iterator[tuple[str, str]]:
        """What says which columns there are, where the company adds some."""
        if not self.company.extra:
            return
        for path, text in texts(self.company.entities):
            is_model = path.suffix == ".sql" and path != CONTRACT
            if not is_model and text != path.read_text(encoding="utf-8"):
                yield _within(path), text
        for entity in self.company.entities.values():
            added = [column for column in entity.columns if isinstance(column, ExtraColumn)]
            for path in show_extra(entity.name) if added else ():
                words = path.with_suffix(".yml")
                yield _within(words), _with_columns(words, added)

    def _own_cuts(self) -> list[ExtraColumn]:
        """The cuts that the product's metrics do not have: columns of their members."""
        entities = self.company.entities.values()
        extra = [column for entity in entities for column in entity.columns]
        found = {one.name: one for one in extra if isinstance(one, ExtraColumn) and one.cut}
        for metric in self.company.extension.metrics:
            for cut in cuts_of(metric):
                words = f"The record's key in this cut of {metric.stem}; NULL of other metrics."
                if cut not in CUTS:
                    found.setdefault(cut, ExtraColumn(cut, "text", words))
        return list(found.values())


def _within(path: Path) -> str:
    return str(path.relative_to(PROJECT_FOLDER))


def _test_of(metric: Path) -> str:
    return f"tests/own_kpis/{metric.stem}_is_of_members.sql"


def _settings() -> str:
    """dbt_project.yml with the rooms of a company."""
    settings = yaml.safe_load((PROJECT_FOLDER / "dbt_project.yml").read_text(encoding="utf-8"))
    settings["models"]["salesops"] |= {
        "own_kpis": {"+group": "own_kpis", "+materialized": "view", "+access": "protected"},
        "own_marts": {"+group": "own_marts"},
    }
    return yaml.safe_dump(settings, sort_keys=False)


def _rooms() -> str:
    descriptions = {"own_kpis": "KPIs of the company's own.", "own_marts": "Marts of its own."}
    groups = [
        {"name": name, "description": text, "owner": {"name": "sales_operations"}}
        for name, text in descriptions.items()
    ]
    return yaml.safe_dump({"groups": groups}, sort_keys=False)


def _with_columns(words: Path, added: list[ExtraColumn]) -> str:
    """The YAML of a model with further columns; its unit tests are the product's to run."""
    [model] = yaml.safe_load(words.read_text(encoding="utf-8"))["models"]
    if columns := model.get("columns"):
        columns += [
            {
                "name": column.name,
                "data_type": TYPES[column.type].sql,
                "description": column.description,
            }
            for column in added
        ]
    document: dict[str, Any] = {"models": [model]}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
