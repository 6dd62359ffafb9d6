"""What of an account cannot be taken into account: told at every load, not by the first alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from ingestion.loading.api_load import ApiLoad
from ingestion.sources.stripe.history import STATES
from ingestion.sources.stripe.intake import LIVE, Taken

SHOWN = 5
HELD = (
    "source_id like '%@since-%' and "
    "(status = 'unpaid' or pause_behavior in ('void', 'mark_uncollectible'))"
)
"""SQL of whether a first known state is one of which nobody tells when it began."""


def doubts(
    load: ApiLoad, taken: Taken, gone: Mapping[str, Set[str]], untold: Set[str]
) -> Iterator[str]:
    """The warnings of a load: of what came in, and of what earlier ones have."""

    def so(table: str, condition: str, found: Set[str]) -> Set[str]:
        if table not in load.last:
            return found
        known = load.state.where(table, condition) - taken.ids[table] - gone.get(table, set())
        return known | found

    if strangers := so("charges", "customer is null and status = 'succeeded'", taken.strangers):
        yield (
            f"charges: {len(strangers):,} that succeeded name no customer, so they are no "
            "payments; name the customer in Stripe where a charge is made"
        )
    if unnamed := so("invoices", "customer is null and status <> 'draft'", taken.unnamed):
        yield (
            f"invoices: {len(unnamed):,} name no customer, so they are in no number, nor is what "
            f"was paid of them, {_some(unnamed)}"
        )
    is_taxed = f"includes_tax and status in {LIVE}"
    if taxed := so("subscriptions", is_taxed, taken.taxed):
        yield (
            f"subscriptions: {len(taxed):,} that are live have prices with tax in them, and their "
            "MRR has it, too; give them prices to which tax is added (tax_behavior: exclusive) in "
            f"Stripe, or read their MRR as with tax: {_some(taxed)}"
        )
    if held := so(STATES, HELD, taken.held):
        yield (
            f"subscriptions: {len(held):,} were unpaid or on hold when events begin, and nobody "
            f"tells since when: they count as active before, {_some(held)}"
        )
    missing = unknown(load, taken, "coupon", "coupons")
    if missing:
        yield (
            f"coupons: {len(missing):,} are in use but deleted, and not shown, so nothing is taken "
            f"off for them: {_some(missing)}"
        )
    if untold:
        yield (
            f"discounts: {len(untold):,} were removed before they could be read, and Stripe does "
            f"not tell what they were: nothing is taken off for them, {_some(untold)}"
        )


def unknown(load: ApiLoad, taken: Taken, name: str, table: str) -> list[str]:
    """What rows name that neither came in nor is known from earlier loads."""
    found = taken.named[name] - taken.ids[table]
    if found and table in load.last:
        known = load.state.latest(table, sorted(found))
        found -= set(known["source_id"].to_pylist())
    return sorted(found)


def _some(ids: Set[str] | list[str]) -> str:
    return ", ".join(sorted(ids)[:SHOWN])
