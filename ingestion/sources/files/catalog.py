"""Which files a source has, and which of them a `from` means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.errors import SourceError, one_of
from ingestion.sources.files.parsing import (
    READS_NO_FILES,
    Node,
    NotSqlError,
    parse,
    strange_reads,
    table_names,
)
from ingestion.sources.files.settings import FileOptions

if TYPE_CHECKING:
    import duckdb

    from ingestion.sources.files.settings import FilesSource

FORMATS: Mapping[str, str] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
}
"""Formats by suffix; `.gz` may follow those of text."""

_NAME = re.compile(
    r"(?P<stem>[^.~].*?)"
    r"(?P<suffix>\.(csv|tsv|txt|jsonl|ndjson|json)(?=(\.gz)?$)|\.(parquet|xlsx)$)",
    re.IGNORECASE,
)
_OLD = re.compile(r"[^.~].*\.(xls|xlsb|ods)$", re.IGNORECASE)
"""Workbooks that are not read."""
_SQL = re.compile(
    r"\s*(--|/\*|\(|select\*|(select|with|from|values|table|pivot|unpivot|describe|summarize|show"
    r"|insert|create|copy|attach|install|load|set|update|delete)(?=[\s(\"']))",
    re.IGNORECASE,
)
"""How statements begin, and names of files seldom do."""
_PATTERN = re.compile(r"[*?\[/]")


@dataclass(frozen=True)
class Relation:
    """Files that are read as one table; its name is in lower case."""

    name: str
    files: tuple[Path, ...]
    options: FileOptions


@dataclass(frozen=True)
class Origin:
    """What a `from` means: the files that it reads, and its SQL unless it only names them."""

    relations: tuple[Relation, ...]
    sql: str | None = None

    @property
    def paths(self) -> list[Path]:
        """Every file once, sorted."""
        return sorted({path for relation in self.relations for path in relation.files})


@dataclass(frozen=True)
class Catalog:
    """The files in a source's folder, and its views."""

    source: FilesSource
    files: tuple[Path, ...]

    @classmethod
    def of(cls, source: FilesSource) -> Catalog:
        """The catalog of a source, from the names in its folder. SourceError when it is gone."""
        if not source.path.is_dir():
            raise SourceError(f"{source.name}: there is no folder {source.path}")
        return cls(source, tuple(sorted(filter(_is_readable, source.path.iterdir()))))

    def origin(
        self,
        connection: duckdb.DuckDBPyConnection,
        text: str,
        options: FileOptions = FileOptions(),  # noqa: B008 (it is immutable)
    ) -> Origin:
        """What a `from` means whose files are read with these options where they say something.

        It is the name of a view, a file with or without its suffix, a glob pattern, or SQL over
        them. Raises SourceError naming what there is.
        """
        name = text.strip()
        relation = self._relation(name, options, may_be_pattern=not _SQL.match(text))
        if relation:
            return Origin((relation,))
        try:
            tree = parse(connection, text)
        except NotSqlError as error:
            if not _SQL.match(text):
                raise SourceError(f"no such file or view; {self._there_is(name)}") from None
            raise SourceError(f"not valid SQL: {error}{_remedy(text)}") from None
        self._refuse_strange(tree)
        relations = {}
        for name in sorted(set(table_names(tree))):
            relation = self._relation(name, options)
            if relation is None:
                raise SourceError(f"no file or view '{name}'; {self._there_is(name)}")
            relations[relation.name] = relation
        return Origin(tuple(relations.values()), text)

    def _refuse_strange(self, tree: Node) -> None:
        """Refuse SQL that reads other than views: nobody would see that such a file changed."""
        for read in strange_reads(tree):
            raise SourceError(
                f"{read} is read past the views, so that no load would see that it has changed. "
                f"Every file in {self.source.path} is a table: write from deals, or from "
                '"deals.csv" in double quotes; for several files as one, '
                "views: {deals: {glob: 'deals_*.csv'}}; for delimiter, encoding, sheet and the "
                f"like, options. Functions that may be called: {', '.join(sorted(READS_NO_FILES))}"
            )

    def _relation(
        self, name: str, options: FileOptions, may_be_pattern: bool = True
    ) -> Relation | None:
        """The view, file or pattern of this name."""
        for view, files in self.source.views.items():
            if view.lower() == name.lower():
                paths = self._glob(files.glob)
                if not paths:
                    there = ", ".join(path.name for path in self.files) or "no files"
                    raise SourceError(
                        f"view '{view}': no file matches '{files.glob}'; in "
                        f"{self.source.path}: {there}{self._unknown}"
                    )
                return self._inside(name, paths, options.over(files.over(self.source.options)))
        paths = tuple(path for path in self.files if path.name == name) or tuple(
            path for path in self.files if stem(path).lower() == name.lower()
        )
        if len(paths) > 1:
            names = ", ".join(path.name for path in paths)
            raise SourceError(
                f"'{name}' may be {names}: name one with its suffix, or read all as one table "
                "with a pattern or a view"
            )
        if not paths and may_be_pattern and _PATTERN.search(name):
            paths = self._glob(name)
        return self._inside(name, paths, options.over(self.source.options)) if paths else None

    def _inside(self, name: str, paths: tuple[Path, ...], options: FileOptions) -> Relation:
        """Files as one table. SourceError for one that lies elsewhere: by a link, or `..`."""
        folder = self.source.path
        for path in paths:
            if leads_out(path, folder):
                raise self._elsewhere(name, f", to {path.resolve()}")
        return Relation(name.lower(), paths, options)

    def _elsewhere(self, name: str, to: str = "") -> SourceError:
        return SourceError(
            f"'{name}' leads out of {self.source.path}{to}. Only files in the folder of a source "
            "are read: say in 'path' which folder holds this one, or one above both"
        )

    def _glob(self, pattern: str) -> tuple[Path, ...]:
        folder = self.source.path
        if ".." in Path(pattern).parts and not Path(pattern).is_absolute():
            raise self._elsewhere(pattern)
        try:
            return tuple(sorted(filter(_is_readable, folder.glob(pattern))))
        except (NotImplementedError, ValueError):
            raise SourceError(f"pattern '{pattern}' must be relative to {folder}") from None

    def _there_is(self, name: str) -> str:
        names = dict.fromkeys([*self.source.views, *map(stem, self.files)])
        if not names:
            known = ", ".join(FORMATS)
            return f"{self.source.path} holds no files of a known format: {known}{self._unknown}"
        return f"in {self.source.path}: {one_of(name, names)}{self._unknown}"

    @property
    def _unknown(self) -> str:
        """What to say of the workbooks in the folder that are not read."""
        found = sorted(path.name for path in self.source.path.iterdir() if _OLD.match(path.name))
        return f"; not read: {', '.join(found)}; save it as .xlsx or CSV" if found else ""


def leads_out(path: Path, folder: Path) -> bool:
    """Whether what a path leads to, links followed, lies elsewhere than in a folder."""
    return not path.resolve().is_relative_to(folder)


def stem(path: Path) -> str:
    """The file's name without the suffix of its format (and `.gz`)."""
    match = _NAME.match(path.name)
    return match["stem"] if match else path.name


def format_of(path: Path) -> str:
    """The file's format: csv, json, parquet or xlsx."""
    match = _NAME.match(path.name)
    assert match is not None
    return FORMATS[match["suffix"].lower()]


def _remedy(text: str) -> str:
    """What to write instead of statements that are valid, but cannot be taken."""
    if re.match(r"\s*pivot\b", text, re.IGNORECASE):
        return "; PIVOT has to name its values: pivot deals on stage in ('Open', 'Won') using …"
    return ""


def _is_readable(path: Path) -> bool:
    return _NAME.match(path.name) is not None and path.is_file()
