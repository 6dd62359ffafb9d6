"""What to fix first, and the money that hangs on it: `mart_data_hygiene`, for the Data Docs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from expectations.report import without_emails
from expectations.suites.hygiene import judged_in
from ingestion.warehouse.warehouse import Warehouse

_REFERENCES = ("marts.mart_references", "resolves")


@dataclass(frozen=True)
class Stake:
    """Records of an entity that break a rule, and their money in the company's currency.

    `high`: a published figure is in doubt. `money` is None where nobody knows that of any of them;
    `without_amount` of them have money that nobody knows. Of the whole company, `entity` and `rule`
    are `all`: each record counts once, and the money is that of the deals.
    """

    entity: str
    rule: str
    severity: Literal["high", "low", "all"]
    records: int
    failing: int
    money: float | None
    money_kind: str
    money_share: float | None
    without_amount: int
    examples: str

    @property
    def check(self) -> tuple[str, str]:
        """Table and name of the check of this rule; of references one check tells of all rules."""
        table = judged_in(self.entity, self.rule)
        return (table, self.rule) if table else _REFERENCES


def read_stakes(warehouse: Warehouse) -> tuple[Stake, ...]:
    """All that is at stake, in the order in which to fix it; the whole company's last.

    Empty where the marts have no such table.
    """
    if not warehouse.table_exists("marts", "mart_data_hygiene"):
        return ()
    found = warehouse.read(
        """select entity, rule, severity, records, failing,
            cast(money_at_stake as double precision) as money, money_kind,
            cast(money_share as double precision) as money_share,
            failing_without_amount as without_amount, coalesce(example_keys, '') as examples
        from marts.mart_data_hygiene
        where rep_id = 'all'
            and (fix_rank is not null or (entity = 'all' and rule = 'all' and records > 0))
        order by fix_rank nulls last"""
    )
    rows = ({**row, "examples": without_emails(row["examples"])} for row in found.to_pylist())
    return tuple(Stake(**row) for row in rows)
