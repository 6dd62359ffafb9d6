"""The closing rule on any deal: whatever histories tell, records say and loads have seen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.oracle.closing import OPEN, Timeline
from tests.pipeline.closing_bench import MODELS, ZONES, Bench
from tests.pipeline.closing_deals import (
    INSTANT,
    NOW,
    SILENT,
    STATUSES,
    Case,
    Deal,
    Moment,
    cases,
    held,
    local,
    midnight,
)
from tests.thorough import IS_THOROUGH

MONTHS = tuple(range(1, 11))
CLOSING = ("fct_opportunities", "int_opportunity_states", "int_opportunity_stage_moves")
SHOWN = 3
EXAMPLES = settings(
    max_examples=20 if IS_THOROUGH else 2,
    deadline=None,
    database=None,
    derandomize=not IS_THOROUGH,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""A company has many deals, and the fewest moves of those that fail are shown: no shrinking."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("closings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SALESOPS_DATA", str(folder / "data"))
        yield Bench.made_in(folder)


@dataclass(frozen=True)
class Built:
    """What the models make of a case as of a moment: its deals, their states and moves, by deal."""

    deals: pd.DataFrame
    states: Mapping[str, pd.DataFrame]
    moves: Mapping[str, pd.DataFrame]

    @classmethod
    def of(cls, bench: Bench, case: Case, as_of: Moment = NOW) -> Built:
        """Build the closings of a case that has been loaded."""
        bench.build(case, as_of, CLOSING)
        deals = bench.rows("select * from marts.fct_opportunities").set_index("opportunity_id")
        states, moves = (
            bench.rows(
                "select deals.opportunity_id, found.* from marts.fct_opportunities as deals "
                f"inner join intermediate.{model} as found using (opportunity_key)"
            )
            for model in CLOSING[1:]
        )
        return cls(deals, *(dict(iter(rows.groupby("opportunity_id"))) for rows in (states, moves)))

    def closed_at(self, deal: str) -> Moment | None:
        """When a deal closed."""
        moment = self.deals.loc[deal, "closed_at"]
        return None if pd.isna(moment) else moment.to_pydatetime()

    def state_at(self, deal: str, moment: Moment) -> pd.Series:
        """A deal's state at a moment of its life."""
        rows = self.states[deal]
        [position] = (
            (rows["valid_from"].isna() | (rows["valid_from"] <= moment))
            & (rows["valid_to"].isna() | (rows["valid_to"] > moment))
        ).to_numpy().nonzero()[0]  # fmt: skip
        return rows.iloc[position]

    def status_at(self, deal: str, moment: Moment) -> str:
        """A deal's status at a moment of its life."""
        return str(self.state_at(deal, moment)["status"])

    def turns_of(self, deal: str) -> list[tuple[Moment | None, str]]:
        """When a deal took on which status, those of one instant included."""
        rows = self.moves[deal].sort_values("position")
        moments = [None if pd.isna(at) else at.to_pydatetime() for at in rows["moved_at"]]
        return turns(zip(moments, rows["status"], strict=True))


def turns(stays: Iterable[tuple[Moment | None, str]]) -> list[tuple[Moment | None, str]]:
    """The stays that begin with another status than that of the one before."""
    found: list[tuple[Moment | None, str]] = []
    for at, status in stays:
        if not found or found[-1][1] != status:
            found.append((at, status))
    return found


def month_ends(case: Case) -> list[Moment]:
    """The last moments of months."""
    return [midnight(dt.date(2024, month, 1), case.zone) - INSTANT for month in MONTHS[1:]]


def existed(case: Case, deal: Deal, moment: Moment) -> bool:
    """Whether a deal is known to have existed at a moment: created, or else first told of."""
    begin = deal.created_at(case.zone) or min(deal.told, default=None)
    return begin is not None and begin <= moment


def fail_for(wrong: Iterable[tuple[Deal, object]], case: Case) -> None:
    """Fail with the simplest of the deals that are wrong, and what is wrong with them."""
    found = sorted(wrong, key=lambda one: len(one[0].moves) + len(one[0].records))
    lives = case.timelines()
    told = [f"{why}\n{deal}\noracle: {lives[deal.id]}" for deal, why in found[:SHOWN]]
    if found:
        pytest.fail("\n\n".join([f"{len(found)} of {case}", *told]), pytrace=False)


def closings_of(life: Timeline) -> int:
    """How often a deal closed, or changed its outcome."""
    statuses = [stay.status for stay in life.stays]
    before = [OPEN, *statuses]
    return sum(
        now != OPEN and now != then for then, now in zip(before, statuses, strict=False)
    )  # fmt: skip


@EXAMPLES
@given(case=cases(ZONES))
def test_closings_and_past_states_are_the_oracles(bench: Bench, case: Case) -> None:
    bench.load(case)
    built = Built.of(bench, case)
    lives = case.timelines()

    def differences() -> Iterator[tuple[Deal, object]]:
        for deal in case.deals:
            life, have = lives[deal.id], built.closed_at(deal.id)
            want = life.closing.at if life.closing else None
            if have != want:
                yield deal, ("closed_at", have)
            elif life.closing and want and life.closing.is_bare != built.deals.loc[
                deal.id, "closed_is_bare"
            ]:  # fmt: skip
                yield deal, "closed_is_bare"
            made, told = built.turns_of(deal.id), turns((one.at, one.status) for one in life.stays)
            if made != told:
                yield deal, ("turns", made)
            for moment in month_ends(case):
                if existed(case, deal, moment):
                    status = built.status_at(deal.id, moment)
                    if status != life.at(moment).status:
                        yield deal, ("status", moment, status)

    fail_for(differences(), case)


@EXAMPLES
@given(case=cases(ZONES))
def test_owners_and_amounts_of_the_past_are_what_histories_tell(bench: Bench, case: Case) -> None:
    """Emptied ones included; what a late closing was worth was entered with it, so open deals."""
    bench.load(case)
    built = Built.of(bench, case)

    def differences() -> Iterator[tuple[Deal, object]]:
        for deal in case.deals:
            for moment in month_ends(case):
                if not existed(case, deal, moment):
                    continue
                state, owner = (
                    built.state_at(deal.id, moment),
                    held(deal.owners, deal.owner, moment),
                )
                found = None if pd.isna(state["owner_id"]) else state["owner_id"]
                if found != (owner and f"{deal.id}{owner}"):
                    yield deal, ("owner", moment, found)
                amount = held(deal.amounts, deal.amount, moment)
                worth = None if pd.isna(state["amount_native"]) else float(state["amount_native"])
                if STATUSES[deal.record.stage] == OPEN and worth != (amount and float(amount)):
                    yield deal, ("amount", moment, worth)

    fail_for(differences(), case)


@EXAMPLES
@given(case=cases(ZONES))
def test_the_present_is_the_records_and_revenue_is_never_open(bench: Bench, case: Case) -> None:
    bench.load(case)
    built = Built.of(bench, case)

    def differences() -> Iterator[tuple[Deal, object]]:
        for deal in case.deals:
            row = built.deals.loc[deal.id]
            if (row["stage"], row["status"]) != (deal.record.stage, STATUSES[deal.record.stage]):
                yield deal, ("present", row["stage"], row["status"])
            closed_at = built.closed_at(deal.id)
            for moment in month_ends(case):
                if closed_at is None or closed_at > moment or not existed(case, deal, moment):
                    continue
                if built.status_at(deal.id, moment) == OPEN:
                    yield deal, ("in revenue and open", moment)

    fail_for(differences(), case)


@EXAMPLES
@given(case=cases(ZONES))
def test_one_load_tells_what_ten_tell(bench: Bench, case: Case) -> None:
    """Where the record's date is within the window of either; a bare day may end with it."""
    bench.load(case)
    many = Built.of(bench, case).deals
    once = case.loaded_once()
    bench.load(once)
    one = Built.of(bench, once).deals

    lives = (case.timelines(), once.timelines())

    def is_dated(deal: Deal) -> bool:
        closings = [life[deal.id].closing for life in lives]
        return all(
            closing is None
            or (deal.record.date(case.zone) and closing.finding in (None, "closed_before_created"))
            for closing in closings
        )

    def differences() -> Iterator[tuple[Deal, object]]:
        for deal in filter(is_dated, case.deals):
            ours, theirs = many.loc[deal.id], one.loc[deal.id]
            for column in ("stage", "status", "closed_on", "rep_id"):
                if column == "rep_id" and deal.source == SILENT:
                    continue
                same = (
                    ours[column] == theirs[column] or pd.isna([ours[column], theirs[column]]).all()
                )
                if not same:
                    yield deal, (column, "of many loads", ours[column], "of one", theirs[column])

    fail_for(differences(), case)


@EXAMPLES
@given(case=cases(ZONES))
def test_the_bridge_balances_and_agrees_with_pipeline_and_revenue(bench: Bench, case: Case) -> None:
    bench.load(case)
    bench.build(case, NOW, MODELS)
    bridge = bench.rows(
        "select * from marts.fct_pipeline_bridge "
        "where period_grain = 'month' and basis = 'reporting'"
    )
    gains = ["created", "pulled_in", "reopened", "increased", "owner_gained"]
    losses = ["decreased", "pushed_out", "won", "lost", "no_decision", "deleted", "merged"]
    made = bridge["opening"] + bridge[gains].sum(axis=1) - bridge[losses].sum(axis=1)
    off = bridge[
        (made - bridge["owner_lost"] + bridge["currency"] - bridge["closing"]).abs() > 0.005
    ]
    assert off.empty, off.head().T

    revenue = bench.rows(
        "select entity_id, period_on, rep, numerator from intermediate.revenue_won "
        "where variant = 'default' and exclusion_reason is null and period_on is not null"
    ).set_index("entity_id")
    won = bridge[
        (bridge["scope"] == "open") & (bridge["won"] != 0) & (bridge["dimension"] == "rep")
    ]
    exits = {
        (rep, pd.Timestamp(start).to_period("M")): float(amount)
        for rep, start, amount in won[["dimension_key", "period_start", "won"]].itertuples(
            index=False
        )
    }
    lives, ended = case.timelines(), case.until
    rows = bench.rows(
        "select month_start, opportunity_id from intermediate.int_pipeline_at_month_end "
        "inner join marts.fct_opportunities using (opportunity_key)"
    )
    found = {
        (deal, pd.Timestamp(month).month)
        for month, deal in rows[["month_start", "opportunity_id"]].itertuples(index=False)
    }

    def at_month_ends() -> Iterator[tuple[Deal, object]]:
        for deal in case.deals:
            if deal.created is None and not any(at <= month_ends(case)[-1] for at in deal.told):
                continue  # Nobody knows since when it is open.
            removed_at = deal.removed_at(ended)
            for month, moment in zip(MONTHS, month_ends(case), strict=False):
                is_there = removed_at is None or removed_at > moment
                is_open = lives[deal.id].at(moment).status == OPEN
                if ((deal.id, month) in found) != (
                    is_there and is_open and existed(case, deal, moment)
                ):
                    yield deal, ("in the pipeline of month", month, not (is_there and is_open))

    fail_for(at_month_ends(), case)

    def differences() -> Iterator[tuple[Deal, object]]:
        for deal in case.deals:
            life, created = lives[deal.id], deal.created_at(case.zone)
            closing = life.closing
            if not closing or not closing.at or closings_of(life) > 1 or created is None:
                continue
            if STATUSES[deal.record.stage] != "won" or closing.at <= created:
                continue
            if deal.record.is_deleted or deal.amount is None:
                continue
            row, amount = revenue.loc[deal.id], float(deal.amount)
            if row["rep"] == "(none)":
                continue  # Nobody's deals are one cell.
            key = (row["rep"], pd.Timestamp(row["period_on"]).to_period("M"))
            month = pd.Timestamp(local(closing.at, case.zone)).to_period("M")
            if (key[1], float(row["numerator"]), exits.get(key)) != (month, amount, amount):
                yield deal, ("revenue", key, row["numerator"], "bridge", exits.get(key))

    fail_for(differences(), case)


@EXAMPLES
@given(case=cases(ZONES))
def test_a_past_month_end_is_the_same_asked_for_then_and_now(bench: Bench, case: Case) -> None:
    """AS_OF a month's end is that month in today's build, late entries included."""
    bench.load(case)
    today = Built.of(bench, case)
    moment = midnight(dt.date(2024, 4, 1), case.zone) - INSTANT
    then = Built.of(bench, case, moment)

    lives = case.timelines()

    def differences() -> Iterator[tuple[Deal, object]]:
        for deal in case.deals:
            if not existed(case, deal, moment):
                continue
            if deal.id not in then.deals.index:
                yield deal, "not there as of then"
                continue
            ours, theirs = then.deals.loc[deal.id, "status"], today.status_at(deal.id, moment)
            if ours != theirs:
                yield deal, ("status as of then", ours, "in today's build", theirs)
            want = lives[deal.id].closed_at(moment)
            if then.closed_at(deal.id) != want:
                yield deal, ("closed_at as of then", then.closed_at(deal.id), "oracle", want)

    fail_for(differences(), case)
