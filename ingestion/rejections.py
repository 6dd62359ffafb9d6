"""Rejected rows by rule: what was expected of which column, how often it was not, and samples.

A reason is `column = value: expected …`, as often as there are things wrong with a row, joined by
semicolons. A rule is what is left of one of them without the value and the place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingestion.contract.entities import ENTITIES
from ingestion.sources.files.values.hints import remedy

SAMPLES = 100
"""The rows of a kind that are looked at for samples."""
SHOWN = 2
LONGEST = 60
ADD_UP = "rows of one key are one record: add them up in `from`, with sum(…) and group by"
PLACES = r"; the first is in line [0-9]+( of [^;]*)?| Found: [0-9]+"
VALUE = r"(?s) = .*?: (expected|repeated|not |does not |an error |the row is )"
NEXT = re.compile(r"; (?=[a-z0-9_]+(?: of [a-z0-9_]+)?: )")
"""What is between two rules; what mends a rule may follow it after a semicolon, too."""


def rules_of(reason: str) -> str:
    """SQL of the rules that a reason is about, joined by semicolons; DuckDB's and PostgreSQL's."""
    placeless = f"regexp_replace({reason}, '{PLACES}', '', 'g')"
    return rf"regexp_replace({placeless}, '{VALUE}', ': \1', 'g')"


def samples_of(rejected: str) -> str:
    """SQL of the first rows of each kind among some rejected rows, with the kind's count.

    `rejected` is SQL that follows `from`. The columns: `rules`, `rows`, `source_file`,
    `source_line`, `reason`.
    """
    return f"""
        select rules, "rows", source_file, source_line, reason
        from (
            select *, count(*) over (partition by rules) as "rows",
                row_number() over (
                    partition by rules order by source_file, source_line, source_id
                ) as position
            from (select *, {rules_of("reason")} as rules from {rejected}) as ruled
        ) as counted
        where position <= {SAMPLES}
        order by source_file, source_line
    """


@dataclass
class Rule:
    """What rows of an entity broke: `rows` of them, with samples of values, and the first place."""

    entity: str
    text: str
    place: str
    rows: int = 0
    samples: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Such as `310 × issued_at like 01.11.2026 (bills.csv:2): expected a timestamp, …`."""
        name, _, expected = self.text.partition(": ")
        values = [_shortened(value) for value in list(dict.fromkeys(self.samples))[:SHOWN]]
        like = f" like {', '.join(values)}" if values else ""
        place = f" ({self.place})" if self.place else ""
        mend = self._remedy()
        told = f"{self.rows:,} × {name}{like}{place}"
        return told + (f": {expected}" if expected else "") + (f"; {mend}" if mend else "")

    def _remedy(self) -> str | None:
        """What would mend the values, where that is not said with what was expected."""
        name, _, expected = self.text.partition(": ")
        entity = ENTITIES.get(self.entity)
        if expected.startswith("repeated"):
            return ADD_UP if entity and entity.key else None
        column = entity.by_name.get(name) if entity and "; " not in expected else None
        return remedy(column.type, self.samples) if column and self.samples else None


def by_rule(entity: str, sampled: Iterable[Mapping[str, Any]]) -> list[Rule]:
    """The rules that rows of an entity broke, the most broken first, from rows of `samples_of`."""
    found: dict[str, Rule] = {}
    counted: set[str] = set()
    for row in sampled:
        for text in NEXT.split(row["rules"]):
            rule = found.setdefault(text, Rule(entity, text, _place(row)))
            rule.rows += 0 if row["rules"] in counted else row["rows"]
            rule.samples += _values(text, row["reason"])
        counted.add(row["rules"])
    return sorted(found.values(), key=lambda rule: (-rule.rows, rule.text))


def _values(rule: str, reason: str) -> list[str]:
    """The value of a row that broke a rule, where it has one."""
    name, _, expected = rule.partition(": ")
    pattern = rf"(?:^|; ){re.escape(name)} = (.*?): {re.escape(expected)}"
    match = re.search(pattern, reason, re.DOTALL)
    return [match[1]] if match else []


def _place(row: Mapping[str, Any]) -> str:
    line = "" if row["source_line"] is None else f":{row['source_line']}"
    return f"{row['source_file']}{line}" if row["source_file"] else ""


def _shortened(value: str) -> str:
    text = " ".join(value.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
