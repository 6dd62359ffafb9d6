"""What subscriptions were, rolled back from what they are: by example, and whatever happens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.sources.stripe.states import Item, Known, Past, State, Stretch, Subscription

DAY = 86_400
BEGUN, SINCE = 100 * DAY, 110 * DAY
BASIC = State("active", None, (Item("si_1", "price_basic", 1),))


def price(id: str, key: str = "price") -> dict[str, Any]:
    return {key: {"id": id, "object": key, "unit_amount": 100}}


def event(at: int, previous: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    """An event of an update that replaced something; without that, of an end."""
    name = "deleted" if previous is None else "updated"
    data = {"object": {"status": "active"} | more.pop("shown", {})}
    if previous is not None:
        data["previous_attributes"] = previous
    return {"id": f"evt_{at}", "type": f"customer.subscription.{name}", "created": at, "data": data}


def told(
    now: State,
    *events: dict[str, Any],
    created: int = BEGUN,
    known: Known | None = None,
    unknown_from: int | None = None,
    trial_end: int | None = None,
) -> tuple[list[Stretch], list[str]]:
    """The states that events tell, the earliest first, and what is in doubt."""
    doubts: list[str] = []
    subscription = Subscription("sub_1", created, trial_end, None, now)
    past = Past(subscription, events, SINCE, known, unknown_from, doubts.append)
    return sorted(past.stretches(), key=lambda it: it.began_at), doubts


def states(*args: Any, **more: Any) -> list[State]:
    found, doubts = told(*args, **more)
    assert doubts == []
    return [it.state for it in found]


def with_item(**changes: Any) -> State:
    return replace(BASIC, items=(replace(BASIC.items[0], **changes),))


@pytest.mark.parametrize(
    "previous",
    [
        {"items": {"data": [{"id": "si_1", **price("price_basic"), "quantity": 1}]}},
        {"items": {"data": [{"id": "si_1", **price("price_basic", "plan"), "quantity": 1}]}},
        {"items": {"data": [{"id": "si_1", **price("price_basic")}]}, "quantity": 1},
        {"items": {"data": [{"id": "si_1", "price": {}, "quantity": 1}]},
         **price("price_basic", "plan")},
        {**price("price_basic", "plan"), "quantity": 1},
        {"items": {"data": [{**price("price_basic"), "quantity": 1}]}},
    ],
    ids=["price", "plan", "quantity beside", "plan beside", "no items", "no id"],
)  # fmt: skip
def test_a_plan_is_told_in_whatever_version_the_account_has(previous: dict[str, Any]) -> None:
    now = with_item(price="price_better", quantity=3)
    assert states(now, event(SINCE + DAY, previous)) == [BASIC, now]


def test_the_first_state_is_known_from_where_events_begin() -> None:
    found, _ = told(BASIC)
    assert [(it.id, it.began_at, it.known_from) for it in found] == [
        (f"sub_1@since-{SINCE}", BEGUN, SINCE)
    ]
    found, _ = told(BASIC, created=SINCE + 5)
    assert [(it.id, it.began_at, it.known_from) for it in found] == [
        (f"sub_1@{SINCE + 5}", SINCE + 5, SINCE + 5)
    ]


def test_what_does_not_count_makes_no_state() -> None:
    seen = event(SINCE + 1, {"latest_invoice": "in_1", "metadata": {"a": None}})
    assert states(BASIC, seen) == [BASIC]


def test_a_pause_begins_and_ends() -> None:
    paused = replace(BASIC, pause="void")
    begun = event(SINCE + 1, {"pause_collection": None})
    kept = event(SINCE + 2, {"pause_collection": {"behavior": "keep_as_draft", "resumes_at": None}})
    ended = event(SINCE + 3, {"pause_collection": {"behavior": "void"}})
    later = event(SINCE + 4, {"pause_collection": {"resumes_at": 5}})
    assert states(paused, begun) == [BASIC, paused]
    assert states(BASIC, ended, kept, begun) == [
        BASIC, replace(BASIC, pause="keep_as_draft"), paused, BASIC
    ]  # fmt: skip
    assert states(paused, later) == [paused]


def test_an_item_that_is_new_and_one_that_is_gone() -> None:
    seat = Item("si_2", "price_seat", 4)
    now = replace(BASIC, items=(seat,))
    both = {"data": [{"id": "si_1", **price("price_basic"), "quantity": 1},
                     {"id": "si_2", **price("price_seat"), "quantity": 4}]}  # fmt: skip
    one = {"data": [{"id": "si_1", **price("price_basic"), "quantity": 1}]}
    found = states(now, event(SINCE + 2, {"items": both}), event(SINCE + 1, {"items": one}))
    assert found == [BASIC, replace(BASIC, items=(*BASIC.items, seat)), now]


def test_of_a_list_that_an_event_cuts_off_the_rest_is_as_it_is() -> None:
    items = tuple(Item(f"si_{n}", f"price_{n}", 1) for n in range(12))
    shown = [{"id": it.id, **price(str(it.price)), "quantity": 1} for it in items[:10]]
    shown[3]["quantity"] = 2
    before = replace(items[3], quantity=2)
    for cut in ({"data": shown}, {"data": shown, "has_more": True}):
        [first, _] = states(replace(BASIC, items=items), event(SINCE + 1, {"items": cut}))
        assert set(first.items) == {*items, before} - {items[3]}


def test_a_price_that_nothing_tells_is_said_and_kept() -> None:
    two = replace(BASIC, items=(*BASIC.items, Item("si_2", "price_seat", 4)))
    found, doubts = told(two, event(SINCE + 1, {"quantity": 9, "plan": None}))
    assert [it.state for it in found] == [two]
    assert doubts == [f"evt_{SINCE + 1} says that items were otherwise before, not which"]
    gone = {"items": {"data": [{"id": "si_9", "quantity": 2}]}}
    found, doubts = told(BASIC, event(SINCE + 1, gone))
    assert doubts == [f"evt_{SINCE + 1} does not tell the price of si_9 before"]
    assert found[0].state.items == (Item("si_9", None, 2),)


@pytest.mark.parametrize("order", [1, -1], ids=["as listed", "the other way round"])
def test_a_change_and_back_within_a_second(order: int) -> None:
    there, back = {"quantity": 1}, {"quantity": 2}
    together = [event(SINCE + 5, back), event(SINCE + 5, there)][::order]
    found, _ = told(BASIC, *together)
    assert [(it.began_at, it.state) for it in found] == [(BEGUN, BASIC), (SINCE + 5, BASIC)]


def test_an_end_is_after_all_else_of_its_second() -> None:
    ended = replace(BASIC, status="canceled")
    more = event(SINCE + 5, {"quantity": 3}, shown={"status": "past_due"})
    end = event(SINCE + 5, None, shown={"status": "canceled"})
    found, _ = told(ended, more, end)
    assert [it.state for it in found] == [
        State("past_due", None, (replace(BASIC.items[0], quantity=3),)), ended
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("events", "known", "trial_end", "expected"),
    [
        ([event(SINCE + 2, {"status": "past_due"}, shown={"status": "unpaid"})], None, None,
         "unpaid"),
        ([event(SINCE + 2, {"quantity": 1}, shown={"status": "canceled"})], "unpaid", None,
         "unpaid"),
        ([], "past_due", None, "past_due"),
        ([], None, SINCE + 9, "trialing"),
        ([], None, SINCE, "active"),
        ([event(SINCE + 2, {"status": "trialing"}, shown={"status": "canceled"})], "trialing", None,
         "active"),
    ],
    ids=["shown", "known, not shown", "known", "trial", "guessed", "told to be other"],
)  # fmt: skip
def test_what_a_subscription_was_before_its_end(
    events: list[dict[str, Any]], known: str | None, trial_end: int | None, expected: str
) -> None:
    before = known and Known("sub_1@1", BEGUN, BEGUN, replace(BASIC, status=known))
    end = event(SINCE + 9, None, shown={"status": "canceled"})
    now = replace(BASIC, status="canceled")
    found, _ = told(now, end, *events, known=before or None, trial_end=trial_end)
    last_but_one = [it for it in found if it.began_at < SINCE + 9][-1]
    assert last_but_one.state.status == expected


def test_a_known_state_is_told_once_more_as_events_have_it() -> None:
    wrong = Known("sub_1@7", BEGUN + 7, BEGUN + 7, with_item(quantity=3))
    now = with_item(price="price_better", quantity=3)
    found, _ = told(now, event(SINCE + 1, {"quantity": 1, "plan": {"id": "price_basic"}}),
                    known=wrong)  # fmt: skip
    assert found[0] == Stretch("sub_1@7", "sub_1", BEGUN + 7, BEGUN + 7, BASIC)
    status = Known("sub_1@7", BEGUN + 7, BEGUN + 7, replace(BASIC, status="past_due"))
    found, _ = told(now, event(SINCE + 1, {"quantity": 1, "plan": {"id": "price_basic"}}),
                    known=status)  # fmt: skip
    assert found[0].state == status.state


def test_after_a_gap_what_was_in_it_is_a_guess() -> None:
    known = Known("sub_1@7", BEGUN + 7, BEGUN + 7, BASIC)
    now = with_item(quantity=3)
    found, _ = told(now, known=known, unknown_from=SINCE - DAY)
    assert found == [Stretch(f"sub_1@since-{SINCE}", "sub_1", SINCE - DAY, SINCE, now)]


items = st.lists(
    st.builds(Item, st.sampled_from(["si_1", "si_2", "si_3"]), st.sampled_from("abc"),
              st.integers(1, 3)),
    min_size=1, max_size=3, unique_by=lambda it: it.id,
).map(tuple)  # fmt: skip
pasts = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.builds(State, st.sampled_from(["active", "past_due", "unpaid"]),
                  st.sampled_from([None, "void"]), items),
    ),
    min_size=1, max_size=8,
)  # fmt: skip


@given(pasts)
def test_whatever_happened_is_told(past: list[tuple[int, State]]) -> None:
    moment, truth, events = SINCE, {}, []
    before = past[0][1]
    truth[BEGUN] = before
    for wait, after in past[1:]:
        moment += wait
        events.append(event(moment, replaced(before, after)))
        if before != after or moment in truth:
            truth[moment] = after
        before = after
    found, doubts = told(before, *events[::-1])
    assert doubts == []
    told_at = {it.began_at: it.state for it in found}
    assert {at: comparable(it) for at, it in told_at.items()} == {
        at: comparable(it) for at, it in truth.items()
    }


def comparable(state: State) -> State:
    return replace(state, items=tuple(sorted(state.items, key=lambda it: it.id)))


def replaced(before: State, after: State) -> dict[str, Any]:
    """What an event says that was otherwise before."""
    previous: dict[str, Any] = {"latest_invoice": None}
    if before.status != after.status:
        previous["status"] = before.status
    if before.pause != after.pause:
        previous["pause_collection"] = before.pause and {"behavior": before.pause}
    if before.items != after.items:
        previous["items"] = {
            "data": [
                {"id": it.id, **price(str(it.price)), "quantity": it.quantity}
                for it in before.items
            ]
        }
    return previous
