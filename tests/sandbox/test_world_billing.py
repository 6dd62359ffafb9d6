"""What customers are billed and pay: prices, contracts, invoices, drafts, parts and refunds."""

from __future__ import annotations

import copy
from datetime import date

import numpy as np
import pytest

from ingestion.sandbox.world import World
from ingestion.sandbox.world.calendar import DAY, HOUR, Ints, day_number, day_of, to_moment
from ingestion.sandbox.world.cash import REFUND
from ingestion.sandbox.world.invoicing import OPEN, PAID, PRORATION, RECURRING, VOID, next_bill
from ingestion.sandbox.world.pricing import discounts, graduated, monthly, priced
from ingestion.sandbox.world.schema import (
    CURRENCIES,
    NONE,
    NULL,
    NULL_DAY,
    SMALLEST,
    UNCOUNTED,
)
from ingestion.sandbox.world.store import State
from ingestion.sandbox.world.subscriptions import (
    ACTIVE,
    ENDED,
    TRIALING,
    UNPAID,
    cancel,
    replace,
    subscribe,
)

USD, JPY, KWD = (CURRENCIES.index(code) for code in ("USD", "JPY", "KWD"))
MONEY = {
    "subscriptions": ("period_amount", "unit_amount"),
    "prorations": ("credit", "charge"),
    "invoices": ("total", "tax", "discount", "amount_paid"),
    "payments": ("amount",),
    "credit_notes": ("amount",),
}


@pytest.fixture(scope="module")
def world() -> World:
    """Almost three years of a small company."""
    world = World.found(seed=3, scale=0.15)
    world.advance(1000)
    return world


@pytest.fixture
def state() -> State:
    """A company that has just been founded."""
    return World.found(seed=1, scale=0.02).state


def ints(*values: int) -> Ints:
    """An array."""
    return np.array(values, np.int64)


def contract(
    state: State, at: int, yearly: int, *, quantity: int = 1, annual: int = 0, coupon: int = NONE,
    on_trial: bool = False,
) -> Ints:  # fmt: skip
    """A new customer's contract in dollars."""
    customer = state.create("customers", 1, at, account_id=0, created_at=at, currency=USD)
    prices = priced(
        ints(yearly), ints(USD), ints(annual), ints(quantity), np.array([False]), ints(coupon)
    )
    return subscribe(
        state, customer, ints(at), ints(USD), ints(NONE), ints(0), ints(annual), prices, on_trial
    )


def lines_of(state: State, invoice: int) -> list[tuple[int, int]]:
    """Kind and amount of an invoice's lines."""
    lines = state["invoice_lines"]
    rows = np.flatnonzero(lines["invoice_id"] == invoice)
    return list(zip(lines["kind"][rows].tolist(), lines["amount"][rows].tolist(), strict=True))


def test_graduated_tiers_cost_what_their_bands_do() -> None:
    quantities = ints(0, 1, 10, 11, 50, 64)
    assert graduated(quantities).tolist() == [
        0, 90_00, 900_00, 900_00 + 70_00 + 50_00, 900_00 + 40 * 70_00 + 50_00,
        900_00 + 40 * 70_00 + 50_00 + 14 * 55_00 + 100_00,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("period", "annual", "coupon", "millionths"),
    [
        (100_00, 0, NONE, 100_000_000),
        (6_172_85, 1, NONE, 514_404_167),
        (100_00, 1, NONE, 8_333_333),
        (99_99, 0, 0, 89_991_000),
        (100_00, 1, 0, 7_500_000),
        (100_00, 1, 1, 6_250_000),
        (20_00, 0, 1, 0),
        (100_00, 0, 2, 100_000_000),
    ],
)
def test_monthly_revenue_has_six_decimals_half_up_less_what_is_off_forever(
    period: int, annual: int, coupon: int, millionths: int
) -> None:
    assert monthly(ints(period), ints(USD), ints(annual), ints(coupon)).tolist() == [millionths]


def test_a_coupon_of_three_months_is_over_when_they_are() -> None:
    began = day_number(date(2023, 1, 31))
    days = [day_number(date(2023, *day)) for day in ((1, 31), (3, 28), (4, 27), (4, 28))]
    taken = [discounts(ints(101_03), ints(USD), ints(2), ints(began), ints(day)) for day in days]
    assert [int(amount[0]) for amount in taken] == [20_21, 20_21, 20_21, 0]
    assert discounts(ints(10_00), ints(USD), ints(1), ints(began), ints(began)).tolist() == [10_00]
    yen = discounts(ints(12_345_00), ints(JPY), ints(0), ints(began), ints(began))
    assert yen.tolist() == [1_235_00]


@pytest.mark.parametrize(
    ("day", "bill_day", "annual", "following"),
    [
        ((2023, 1, 15), 15, False, (2023, 2, 15)),
        ((2023, 1, 31), 28, False, (2023, 2, 28)),
        ((2023, 2, 10), 20, False, (2023, 2, 20)),
        ((2024, 2, 29), 28, True, (2025, 2, 28)),
        ((2023, 12, 5), 5, True, (2024, 12, 5)),
    ],
)
def test_bills_follow_each_other(
    day: tuple[int, int, int], bill_day: int, annual: bool, following: tuple[int, int, int]
) -> None:
    found = next_bill(day_number(date(*day)), bill_day, annual)
    assert day_of(found) == date(*following)


def test_an_upgrade_in_mid_period_is_on_the_next_invoice() -> None:
    """30 dollars a month from the first of April on; 90 from its sixteenth: half of each."""
    world = World.found(seed=1, scale=0.02)
    state = world.state
    world.advance(day_number(date(2023, 4, 1)) - state.day)
    old = contract(state, state.now + HOUR, 360_00)
    world.advance(15)
    twice = priced(ints(1_080_00), ints(USD), ints(0), ints(1), np.array([False]), ints(NONE))
    new = replace(state, old, twice, ints(state.now))
    changes = state["prorations"]
    assert (changes["credit"][-1], changes["charge"][-1]) == (15_00, 45_00)
    assert changes["invoice_id"][-1] == NONE
    change = len(changes) - 1
    world.advance(16)
    invoice = int(changes["invoice_id"][change])
    assert state["invoices"]["subscription_id"][invoice] == new[0]
    lines = [line for line in lines_of(state, invoice) if line[0] in (RECURRING, PRORATION)]
    assert lines == [(RECURRING, 90_00), (PRORATION, -15_00), (PRORATION, 45_00)]
    assert state["subscriptions"]["chain"][new[0]] == old[0]


def test_a_trial_is_billed_from_its_end_on_or_never() -> None:
    world = World.found(seed=1, scale=0.02)
    state = world.state
    at = state.now + HOUR
    trials = [int(contract(state, at, 1_200_00, on_trial=True)[0]) for _ in range(12)]
    world.advance(14)
    assert not np.isin(state["invoices"]["subscription_id"], trials).any()
    world.advance(1)
    table = state["subscriptions"]
    assert (table["ended_at"][trials] == at + 14 * DAY).all()
    assert (table["status"][trials] == TRIALING).all()
    follow = np.flatnonzero(np.isin(table["chain"], trials) & (table["status"] == ACTIVE))
    assert 0 < len(follow) < len(trials)
    assert (table["started_at"][follow] == at + 14 * DAY).all()
    billed = state["invoices"]["subscription_id"]
    assert np.isin(follow, billed).all()
    world.advance(40)
    chains = state["subscriptions"]["chain"][state["invoices"]["subscription_id"]]
    assert set(trials) & set(chains.tolist()) == set(table["chain"][follow].tolist())


def test_the_first_customers_have_each_rare_price_and_stay() -> None:
    for seed, scale in ((1, 0.02), (2, 0.1)):
        state = World.found(seed, scale).state
        table = state["subscriptions"]
        assert table["currency"][:2].tolist() == [JPY, KWD]
        assert table["is_annual"][[0, 1, 7]].tolist() == [1, 0, 1]
        assert table["is_tiered"][2] == 1
        assert table["unit_amount"][2] == NULL
        assert table["coupon"][[3, 4, 6]].tolist() == [0, 1, 2]
        assert table["quantity"][[6, 7]].tolist() == [7, 5]
        assert table["period_amount"][7] % 12 != 0
        assert 100_000_00 < table["period_amount"][0] < 100_000_000_00
        cancel(state, np.arange(8), np.full(8, state.now))
        assert (table["status"][:8] == ACTIVE).all()


@pytest.mark.parametrize(("seed", "scale"), [(1, 0.02), (2, 0.02), (3, 0.1)])
def test_one_invoice_has_120_lines(seed: int, scale: float) -> None:
    world = World.found(seed, scale)
    world.advance(59)
    state = world.state
    n_lines = np.bincount(state["invoice_lines"]["invoice_id"])
    long = np.flatnonzero(n_lines >= 120)
    assert len(long) == 1
    assert state["invoices"]["customer_id"][long[0]] == 5
    assert day_of(int(state["invoices"]["drafted_at"][long[0]] // DAY)).month == 2


def test_stretches_of_a_contract_follow_each_other_in_one_currency(world: World) -> None:
    table = world.state["subscriptions"]
    assert (np.bincount(table["chain"]) > 2).any()
    for chain in np.unique(table["chain"]):
        rows = np.flatnonzero(table["chain"] == chain)
        assert rows[0] == chain
        assert (table["ended_at"][rows[:-1]] == table["started_at"][rows[1:]]).all()
        assert (table["ended_at"][rows[:-1]] > table["started_at"][rows[:-1]]).all()
        assert len(np.unique(table["currency"][rows])) == 1
        assert (table["is_current"][rows[:-1]] == 0).all()
        before_last = table["status"][rows[:-1]]
        assert np.isin(before_last, (ENDED, *UNCOUNTED)).all()


def test_every_change_of_a_price_shows_on_an_invoice_or_waits_for_one(world: World) -> None:
    """Each stretch that is billed for is named by a recurring line, or by a proration's charge."""
    state = world.state
    lines, table = state["invoice_lines"], state["subscriptions"]
    recurring = lines["subscription_id"][lines["is_recurring"] == 1]
    seen = np.union1d(recurring, state["prorations"]["subscription_id"])
    stretches = np.flatnonzero(~np.isin(table["status"], UNCOUNTED))
    assert set(stretches.tolist()) <= set(seen.tolist())
    charged = np.flatnonzero((lines["kind"] == PRORATION) & (lines["amount"] >= 0))
    changes = state["prorations"]["invoice_id"]
    assert set(np.flatnonzero(changes != NONE)) <= set(lines["proration_id"][charged].tolist())
    old, new = (state["prorations"][name] for name in ("old_id", "subscription_id"))
    assert (table["chain"][old] == table["chain"][new]).all()
    assert (table["started_at"][new] == state["prorations"]["occurred_at"]).all()


def test_contracts_are_billed_without_a_gap(world: World) -> None:
    state = world.state
    table, lines = state["subscriptions"], state["invoice_lines"]
    current = table["is_current"] == 1
    assert (table["billed_to"][current] > state.day - 1).all()
    recurs = np.flatnonzero(lines["is_recurring"] == 1)
    chain = table["chain"][lines["subscription_id"][recurs]]
    for one in np.unique(chain):
        rows = recurs[chain == one]
        assert (lines["period_end"][rows[:-1]] + 1 == lines["period_start"][rows[1:]]).all()


def test_no_invoice_is_for_nothing_and_coupons_take_off_what_recurs(world: World) -> None:
    invoices = world.state["invoices"]
    assert invoices["total"].min() > 0
    assert (invoices["discount"] > 0).any()
    shown = world.table("invoices").to_pandas().set_index("source_id")
    lines = world.table("invoice_lines").to_pandas().groupby("invoice_id")["amount"].sum()
    assert (lines.reindex(shown.index) + shown["tax"] == shown["total"]).all()


def test_yen_are_whole(world: World) -> None:
    state = world.state
    for entity, columns in MONEY.items():
        table = state[entity]
        currency = (
            state["subscriptions"]["currency"][table["subscription_id"]]
            if entity == "prorations" else table["currency"]
        )  # fmt: skip
        yen = currency == JPY
        assert yen.any() or entity == "credit_notes", entity
        for column in columns:
            amount = table[column][yen]
            assert (amount[amount != NULL] % SMALLEST[JPY] == 0).all(), (entity, column)
    deals = state["opportunities"]
    assert np.isin((JPY, KWD), deals["currency"]).all()
    amounts = deals["amount"][deals["currency"] == JPY]
    assert (amounts[amounts != NULL] % SMALLEST[JPY] == 0).all()


def test_rates_of_all_pairs_agree_with_each_other(world: World) -> None:
    quotes = world.table("fx_rates").to_pandas()
    pairs = len(CURRENCIES) * (len(CURRENCIES) - 1)
    assert (quotes.groupby("day").size() == pairs).all()
    rate = quotes.astype({"rate": float}).set_index(["day", "from_currency", "to_currency"])["rate"]
    back = rate.rename_axis(["day", "to_currency", "from_currency"]).reorder_levels([0, 2, 1])
    assert (rate * back.reindex(rate.index)).between(0.997, 1.003).all()
    yen = rate.xs(("USD", "JPY"), level=(1, 2))
    assert yen.between(90, 250).all()
    assert yen.nunique() > 100


def test_drafts_are_told_when_they_are_issued(world: World) -> None:
    later = copy.deepcopy(world)
    while not (later.state["invoices"]["issued_at"] >= later.state.now).any():
        later.advance(1)
    state, before = later.state, later.now
    drafts = np.flatnonzero(state["invoices"]["issued_at"] >= state.now)
    assert (state["invoices"]["issued_at"][drafts] < state.now + DAY).all()
    assert (state["invoices"]["drafted_at"][drafts] < state.now).all()
    known = set(later.table("invoices")["source_id"].to_pylist())
    lines = later.table("invoice_lines").num_rows
    assert len(known) == len(state["invoices"]) - len(drafts)
    assert lines < len(state["invoice_lines"])
    assert not np.isin(drafts, later.rows_changed_since("invoices", before)).any()
    later.advance(1)
    assert np.isin(drafts, later.rows_changed_since("invoices", before)).all()
    rows = later.rows_changed_since("invoice_lines", before)
    assert np.isin(drafts, state["invoice_lines"]["invoice_id"][rows]).all()
    assert known < set(later.table("invoices")["source_id"].to_pylist())


def test_invoices_are_paid_at_once_in_parts_or_given_up_after_one(world: World) -> None:
    state = world.state
    invoices, payments = state["invoices"], state["payments"]
    n_payments = np.bincount(payments["invoice_id"], minlength=len(invoices))
    is_paid = invoices["status"] == PAID
    assert set(np.unique(n_payments[is_paid])) == {1, 2, 3}
    assert (invoices["amount_paid"][is_paid] == invoices["total"][is_paid]).all()
    assert (invoices["amount_paid"][~is_paid] < invoices["total"][~is_paid]).all()
    assert (payments["amount"] > 0).all()
    voids = (invoices["status"] == VOID) & (invoices["amount_paid"] > 0)
    assert voids.any()


def test_refunds_fail_some_days_after_they_succeeded(state: State) -> None:
    at = state.now + HOUR
    paid = int(np.flatnonzero(state["invoices"]["status"] == PAID)[0])
    note = state.create(
        "credit_notes", 1, at, customer_id=0, invoice_id=paid, occurred_at=at, amount=10_00,
        currency=0, kind=REFUND, fail_due=at + 3 * DAY,
    )  # fmt: skip
    world = World(state)
    world.advance(3)
    notes = state["credit_notes"]
    assert not world.table("credit_notes")["is_deleted"].to_pylist()[note[0]]
    assert notes["failed_at"][note[0]] == NULL
    world.advance(1)
    assert world.table("credit_notes")["is_deleted"].to_pylist()[note[0]]
    assert notes["failed_at"][note[0]] == at + 3 * DAY
    assert notes["updated_at"][note[0]] == at + 3 * DAY


def test_who_never_pays_is_past_due_and_some_are_given_up_on_one_day(world: World) -> None:
    table, log = world.state["subscriptions"], world.state.logs["subscriptions"]
    told = log["new"][log["field"] == list(table.columns).index("status")]
    assert (told == 4).any()
    unpaid = np.flatnonzero(table["status"] == UNPAID)
    began, ended = table["started_at"][unpaid], table["ended_at"][unpaid]
    assert (began // DAY == ended // DAY).all()
    assert (table["is_current"][unpaid] == 0).all()
    assert (world.state["customers"]["churned_on"][table["customer_id"][unpaid]] != NULL_DAY).all()


def test_who_left_long_ago_may_be_deleted_and_is_never_billed_again(world: World) -> None:
    state = world.state
    customers, log = state["customers"], state.logs["customers"]
    gone = np.flatnonzero(customers["is_deleted"] == 1)
    assert len(gone) > 0
    deleted_at = dict(zip(log["id"].tolist(), log["at"].tolist(), strict=True))
    table = state["subscriptions"]
    for customer in gone.tolist():
        ends = table["ended_at"][table["customer_id"] == customer]
        assert (ends != NULL).all()
        assert (ends < deleted_at[customer] - 399 * DAY).all()
    assert not (
        state["invoices"]["status"][np.isin(state["invoices"]["customer_id"], gone)] == OPEN
    ).any()
    alive = np.flatnonzero(customers["is_deleted"] == 0)
    assert len(np.unique(customers["account_id"][alive])) == len(alive)


def test_the_past_before_the_start_is_billed_once(state: State) -> None:
    invoices, table = state["invoices"], state["subscriptions"]
    assert sorted(invoices["subscription_id"].tolist()) == list(range(len(table)))
    assert (invoices["issued_at"] < to_moment(date(2023, 1, 1))).all()
    assert (np.diff(invoices["issued_at"]) >= 0).all()
    assert (table["billed_to"] >= state.day).all()
    assert (table["billed_from"] < state.day).all()
