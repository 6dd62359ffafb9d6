"""A copy of the project in which recipes are performed and measured."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingestion.paths import PROJECT
from tests.recipes.recipe import Step

UNIT_TESTS = "\nunit_tests:\n"
"""From here on a model's YAML proves what it says above."""
NOBODY = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com")


@dataclass(frozen=True)
class Cost:
    """Lines added and removed, by file: written by hand, as tests, and by commands."""

    written: dict[str, int] = field(default_factory=dict)
    tests: dict[str, int] = field(default_factory=dict)
    generated: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        kinds = {"": self.written, "tests: ": self.tests, "generated: ": self.generated}
        return "; ".join(
            f"{kind}{len(files)} files, {sum(files.values())} lines ({', '.join(files)})"
            for kind, files in kinds.items()
            if files
        )


@dataclass(frozen=True)
class Scratch:
    """The copy, under git; what it runs is its own code, in the installation of these tests."""

    root: Path

    @classmethod
    def of(cls, root: Path) -> Scratch:
        """A copy of the files that git has, or would have."""
        listed = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for name in _git(PROJECT, *listed).split("\0"):
            if name and (PROJECT / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(PROJECT / name, root / name)
        (root / ".venv").symlink_to(Path(sys.prefix))
        _git(root, "init", "--quiet")
        _git(root, "add", "--all")
        _git(root, *NOBODY, "commit", "--quiet", "--message", "The project")
        return cls(root)

    def perform(self, steps: Sequence[Step]) -> Cost:
        """Take the steps of a recipe."""
        for step in steps:
            path = self.root / step.path
            before = path.read_text(encoding="utf-8") if path.exists() else ""
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.applied_to(before), encoding="utf-8")
        return self.commit()

    def commit(self) -> Cost:
        """Commit all that has changed; what it has cost."""
        _git(self.root, "add", "--all")
        cost = Cost()
        for line in _git(self.root, "diff", "--cached", "--numstat").splitlines():
            added, removed, name = line.split("\t")
            lines = int(added) + int(removed)
            if self._is_generated(name):
                cost.generated[name] = lines
            elif name.startswith("tests/"):
                cost.tests[name] = lines
            else:
                proof = self._proof(name)
                cost.written[name] = lines - proof
                if proof:
                    cost.tests[name] = proof
        _git(self.root, *NOBODY, "commit", "--quiet", "--message", "A step")
        return cost

    def run(self, *command: str, **environment: str) -> str:
        """What a command of the copy prints; it must end well."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**os.environ, "SALESOPS_DATA": str(self.root / "data"), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def python(self, *arguments: str, **environment: str) -> str:
        """What a module of the copy prints."""
        return self.run(sys.executable, "-m", *arguments, **environment)

    def _is_generated(self, name: str) -> bool:
        return _git(self.root, "check-attr", "linguist-generated", "--", name).endswith(": set\n")

    def _proof(self, name: str) -> int:
        """How many lines of a new YAML are unit tests."""
        path = self.root / name
        if path.suffix != ".yml" or _git(self.root, "ls-tree", "HEAD", "--", name):
            return 0
        _, _, proof = path.read_text(encoding="utf-8").partition(UNIT_TESTS)
        return proof.count("\n") + 2 if proof else 0


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=True
    ).stdout
