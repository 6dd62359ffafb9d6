"""The first load of a simulated account, and increments after it."""

from __future__ import annotations

from urllib.parse import parse_qs

from worlds import Company
from worlds import account as account
from worlds import grown_world as grown_world

WITHOUT_EVENTS = {"/v1/invoiceitems", "/v1/balance_transactions"}


def test_five_increments_come_to_what_a_first_load_has(account: Company) -> None:
    account.sync()
    account.assert_like_first_load()
    for _ in range(5):
        account.pass_days()
        account.forget()
        account.sync()
        lists = {asked.path for asked in account.asked() if asked.path.count("/") == 2}
        assert lists <= {"/v1/events", *WITHOUT_EVENTS}
        account.assert_like_first_load()


def test_an_increment_reads_the_day_and_not_the_history(account: Company) -> None:
    account.sync()
    synced_to = account.world.now
    account.pass_days()
    account.forget()
    account.sync()
    # First whether it is the same account, by a customer of it.
    known, *asked = [found.path for found in account.asked() if found.path.count("/") == 3]
    assert known.startswith("/v1/customers/")
    told = account.read(
        "select distinct object, object_id from raw_stripe.events "
        f"where created >= timestamp '{synced_to:%Y-%m-%d %H:%M:%S}' - interval 15 minutes"
    )
    lists = {"customer": "customers", "credit_note": "credit_notes"}
    named = {
        f"/v1/{lists.get(row['object'], row['object'] + 's')}/{row['object_id']}"
        for row in told
        if row["object"] != "discount"
    }
    assert len(asked) == len(set(asked)) > 10
    assert named <= set(asked)
    assert len(set(asked) - named) <= 2  # a subscription of whose discount alone an event tells
    since = int(synced_to.timestamp()) - 15 * 60
    for found in account.asked():
        if found.path in ("/v1/events", "/v1/balance_transactions"):
            query = parse_qs(found.query)
            assert query.get("limit") == ["1"] or int(query["created[gte]"][0]) >= since


def test_nothing_new_is_nothing_written(account: Company) -> None:
    account.sync()
    before = account.count()
    report = account.sync()
    assert report.is_unchanged
    assert account.count() == before


def test_what_was_before_is_not_written_again_by_another_first_reading(account: Company) -> None:
    account.sync()
    account.pass_days()
    account.sync()
    before = account.count()
    account.sync("mapping: {customers: {account_id: crm_company}}")
    again = account.count()
    assert again["invoices"] > before["invoices"]
    assert {name for name in before if again[name] != before[name]} == {"invoices"}
