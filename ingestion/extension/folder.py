"""The folder that `extend` in company.yml names: a company's own KPIs, marts and audit rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingestion.errors import SalesopsError, one_of
from ingestion.extension.forms import MartFile, MetricFile, RulesFile, StepFile, read
from ingestion.extension.product import (
    CUTS,
    model_names,
    names_of_the_frame,
    published_tables,
)

KPIS, MARTS, AUDIT = "kpis", "marts", "audit"
KINDS = {KPIS: (".sql", ".yml"), MARTS: (".sql", ".yml"), AUDIT: (".yml",)}
"""The folders there are, and the files in them."""
README = "README.md"
STEP = "int_"
PUBLISHED = ("mart_", "fct_", "dim_")
SHORT = ("deal", "lead", "customer")
"""What stands for all cuts of theirs."""
ELSEWHERE = ("publication",)
"""Tables of the published file that no model makes."""


class ExtensionError(SalesopsError):
    """What a company has added of its own is wrong."""


@dataclass(frozen=True)
class Extension:
    """A company's own folder; one that names none has an empty one."""

    folder: Path | None

    @property
    def files(self) -> tuple[Path, ...]:
        """All of its files, sorted; hidden ones, and what is for people to read, left out."""
        return tuple(sorted(path for path in self._found() if path.is_file()))

    def _found(self) -> Iterator[Path]:
        if self.folder is None:
            return
        for path in self.folder.rglob("*"):
            parts = path.relative_to(self.folder).parts
            if path.name != README and not any(part.startswith(".") for part in parts):
                yield path

    def of(self, kind: str, suffix: str) -> list[Path]:
        """The files of one of its folders."""
        found = (path for path in self.files if path.suffix == suffix)
        return [path for path in found if path.is_relative_to(self.place(kind))]

    def place(self, kind: str) -> Path:
        """One of its folders."""
        assert self.folder is not None
        return self.folder / kind

    @property
    def metrics(self) -> list[Path]:
        """The SQL of its KPIs."""
        return [path for path in self.of(KPIS, ".sql") if not path.stem.startswith(STEP)]

    @property
    def marts(self) -> list[Path]:
        """The SQL of its marts."""
        return [path for path in self.of(MARTS, ".sql") if not path.stem.startswith(STEP)]

    def rules(self) -> dict[Path, RulesFile]:
        """The rules of the audit by their files, those that are right."""
        forms = {path: read(path, RulesFile)[0] for path in self.of(AUDIT, ".yml")}
        return {path: form for path, form in forms.items() if isinstance(form, RulesFile)}

    def problems(self) -> Iterator[str]:
        """All that is wrong with it, as far as can be told without dbt and a warehouse."""
        for path in sorted(self._found()):
            if path.is_symlink() and path.is_dir():
                yield f"{path}: a link to a folder, which is not read; link its files or remove it"
            elif path.is_symlink() and not path.exists():
                yield f"{path}: a link nowhere; remove it"
        for path in self.files:
            if problem := self._place_problem(path):
                yield problem
        yield from self._name_problems()
        for path in (*self.of(KPIS, ".sql"), *self.of(MARTS, ".sql")):
            yield from _words_problems(path, self._form(path))
        tables = published_tables() | {path.stem for path in self.marts}
        for path in self.of(AUDIT, ".yml"):
            yield from read(path, RulesFile)[1]
            if path.stem not in tables:
                yield f"{path}: no table to audit is called so; {one_of(path.stem, tables)}"

    def _form(self, path: Path) -> type[MetricFile] | type[MartFile] | type[StepFile]:
        if path.stem.startswith(STEP):
            return StepFile
        return MetricFile if path in self.metrics else MartFile

    def _place_problem(self, path: Path) -> str | None:
        assert self.folder is not None
        folder = path.relative_to(self.folder).parts[0]
        if folder not in KINDS or path.parent == self.folder:
            return f"{path}: no place for a file of {self.folder}; {one_of(folder, KINDS)}"
        if path.suffix not in KINDS[folder]:
            return f"{path}: no file of {folder}; {one_of(path.suffix, KINDS[folder])}"
        if path.suffix == ".yml" and folder != AUDIT and not path.with_suffix(".sql").exists():
            return f"{path}: there is no SQL beside it; write {path.with_suffix('.sql').name}"
        return None

    def _name_problems(self) -> Iterator[str]:
        taken = dict.fromkeys(model_names(), "a model of the product")
        for path in (*self.of(KPIS, ".sql"), *self.of(MARTS, ".sql")):
            if path.stem in taken:
                yield f"{path}: there is {taken[path.stem]} of that name; rename it"
            taken.setdefault(path.stem, str(path))
            if path in self.marts and not path.stem.startswith(PUBLISHED):
                yield (
                    f"{path}: a mart is called {', '.join(f'{it}…' for it in PUBLISHED)}, "
                    f"a step towards one {STEP}…; rename it"
                )
            if path in self.metrics and f"kpi_{path.stem}" in {*model_names(), *ELSEWHERE}:
                yield f"{path}: the published kpi_{path.stem} is another table; rename it"


NOTHING = Extension(None)
"""What a company has that adds nothing."""


def _words_problems(
    path: Path, form: type[MetricFile] | type[MartFile] | type[StepFile]
) -> Iterator[str]:
    words = path.with_suffix(".yml")
    found, problems = read(words, form)
    yield from problems
    if isinstance(found, MetricFile):
        for number, cut in enumerate(found.models[0].config.meta.cuts):
            if cut not in (*CUTS, *SHORT) and cut in names_of_the_frame():
                yield (
                    f"{words}: models.0.config.meta.cuts.{number} = {cut!r}: metrics have a column "
                    f"of that name; rename it, or write one of {', '.join((*SHORT, *CUTS))}"
                )
    if isinstance(found, (MetricFile, MartFile, StepFile)) and found.models[0].name != path.stem:
        yield (
            f"{words}: models.0.name = {found.models[0].name!r}: "
            f"it is of {path.name}; write {path.stem}"
        )
