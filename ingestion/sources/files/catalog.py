"""Which files a source has, and which of them a `from` means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.company import FileOptions, FilesSource
from ingestion.errors import SourceError, one_of
from ingestion.sources.files.parsing import NotSqlError, parse, table_names

if TYPE_CHECKING:
    import duckdb

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
"""Formats by suffix; each may be followed by `.gz`, except Parquet and XLSX."""

_WILDCARDS = frozenset("*?[")


@dataclass(frozen=True)
class Relation:
    """Files that are read as one table called `name`."""

    name: str
    files: tuple[Path, ...]
    options: FileOptions


@dataclass(frozen=True)
class Origin:
    """What a `from` means: the relations that it reads, and its SQL unless it names just one."""

    relations: tuple[Relation, ...]
    sql: str | None = None


@dataclass(frozen=True)
class Catalog:
    """The files in a source's folder, by stem, and its views."""

    source: FilesSource
    files: tuple[Path, ...]

    @classmethod
    def of(cls, source: FilesSource) -> Catalog:
        """The catalog of a source, from the names in its folder."""
        files = (path for path in source.path.iterdir() if path.is_file() and is_readable(path))
        return cls(source, tuple(sorted(files)))

    def origin(self, connection: duckdb.DuckDBPyConnection, text: str) -> Origin:
        """What a `from` means.

        It is the name of a view, a file with or without its suffix, a glob pattern, or SQL.
        Raises SourceError naming what there is.
        """
        relation = self._relation(text.strip())
        if relation:
            return Origin((relation,))
        try:
            node = parse(connection, text)
        except NotSqlError as error:
            if len(text.split()) == 1:
                raise SourceError(f"no such file or view; {self._there_is(text)}") from None
            raise SourceError(
                f"neither a file, a view, a pattern that finds files, nor SQL ({error})"
            ) from None
        relations = {}
        for name in table_names(node):
            found = self._relation(name)
            if found is None:
                raise SourceError(f"no file or view '{name}'; {self._there_is(name)}")
            relations[found.name.lower()] = found
        return Origin(tuple(relations.values()), text.strip().rstrip(";"))

    def _relation(self, name: str) -> Relation | None:
        """The view, file or pattern of this name."""
        folder = self.source.path
        for view, settings in self.source.views.items():
            if view.lower() == name.lower():
                files = _glob(folder, settings.glob)
                if not files:
                    raise SourceError(
                        f"view '{view}': no file in {folder} matches '{settings.glob}'; "
                        f"there are: {_names(self.files)}"
                    )
                return Relation(name, files, settings)
        matches = [
            path for path in self.files if name.lower() in (path.name.lower(), stem(path).lower())
        ]
        if len(matches) > 1:
            raise SourceError(
                f"'{name}' may be any of {_names(matches)}; name one with its suffix, "
                "or read them as one table with a glob pattern or a view"
            )
        if not matches and _WILDCARDS & set(name):
            matches = list(_glob(folder, name))
        return Relation(name, tuple(matches), self.source.options) if matches else None

    def _there_is(self, name: str) -> str:
        names = [*self.source.views, *(stem(path) for path in self.files)]
        if not names:
            return f"{self.source.path} holds no file of a known format ({', '.join(FORMATS)})"
        return f"in {self.source.path}: {one_of(name, dict.fromkeys(names))}"


def stem(path: Path) -> str:
    """The file's name without `.gz` and the suffix of its format."""
    return Path(path.name.removesuffix(".gz")).stem


def format_of(path: Path) -> str | None:
    """The file's format: csv, json, parquet or xlsx; None when it has no known suffix."""
    return FORMATS.get(Path(path.name.lower().removesuffix(".gz")).suffix)


def is_readable(path: Path) -> bool:
    """Whether the file has a known format and is no hidden or lock file."""
    return format_of(path) is not None and not path.name.startswith((".", "~$"))


def _glob(folder: Path, pattern: str) -> tuple[Path, ...]:
    try:
        return tuple(sorted(p for p in folder.glob(pattern) if p.is_file() and is_readable(p)))
    except (NotImplementedError, ValueError) as error:
        raise SourceError(f"pattern '{pattern}': {error}; write it relative to {folder}") from None


def _names(paths: Iterable[Path]) -> str:
    return ", ".join(path.name for path in paths) or "none"
