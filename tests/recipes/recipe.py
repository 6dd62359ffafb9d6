"""What CONTRIBUTING.md says to write, step by step."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingestion.paths import PROJECT

PAGE = PROJECT / "CONTRIBUTING.md"
SECTION = re.compile(r"^## (?P<title>.+?)\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
STEP = re.compile(
    r"`(?P<path>[^`\n]+)`(?:,\s+after\s+`(?P<after>[^`\n]+)`)?:\n\n```\w+\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Step:
    """A file that is written, or lines that go after the first line with `after` in it."""

    path: str
    text: str
    after: str

    def applied_to(self, before: str) -> str:
        """The file as it is after the step; `before` is empty where there was none."""
        if not self.after:
            assert not before, f"{self.path} is there already"
            return self.text
        head, found, tail = before.partition(self.after)
        assert found, f"{self.path} has no line with {self.after}"
        rest, end, tail = tail.partition("\n")
        return head + found + rest + end + self.text + tail


def recipes() -> dict[str, list[Step]]:
    """The steps of each recipe, by its title."""
    found = {
        section["title"]: [
            Step(step["path"], step["text"], step["after"] or "")
            for step in STEP.finditer(section["text"])
        ]
        for section in SECTION.finditer(PAGE.read_text(encoding="utf-8"))
    }
    return {title: steps for title, steps in found.items() if steps}
