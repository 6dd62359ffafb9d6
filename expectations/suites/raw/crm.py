"""Records of a CRM: people, accounts, leads, deals, what changed and what was done."""

from __future__ import annotations

from collections.abc import Mapping

from expectations.suites.model import Check, between, never, ordered, within
from expectations.suites.raw.common import CURRENCY, DOMAIN, EMAIL, not_ahead
from ingestion.contract.entities import ENTITIES

CHECKS: Mapping[str, tuple[Check, ...]] = {
    "users": (
        EMAIL,
        ordered(
            "left_after_hired",
            "warning",
            "Nobody left before being hired.",
            "hired_on",
            "left_on",
        ),
        never(
            "active_after_leaving",
            "warning",
            "Nobody who has left still has an account in use.",
            "is_active and left_on < cast(loaded_at as date)",
        ),
    ),
    "accounts": (
        DOMAIN,
        never(
            "own_parent",
            "warning",
            "No account is its own parent.",
            "parent_id = source_id",
        ),
        not_ahead("created_at"),
    ),
    "contacts": (
        EMAIL,
        not_ahead("created_at"),
    ),
    "leads": (
        EMAIL,
        ordered(
            "answered_after_created",
            "warning",
            "No lead was answered before it was created.",
            "created_at",
            "first_response_at",
        ),
        not_ahead("created_at"),
    ),
    "pipeline_stages": (
        between(
            "probability_in_range",
            "critical",
            "The probability is a share from 0 to 1, not a percentage.",
            column="probability",
            minimum=0,
            maximum=1,
        ),
        never(
            "closed_but_uncertain",
            "warning",
            "A won stage has the probability 1, a lost one 0.",
            "(status = 'won' and probability <> 1)"
            " or (status in ('lost', 'no_decision') and probability <> 0)",
        ),
    ),
    "opportunities": (
        CURRENCY,
        never(
            "merged_into_itself",
            "warning",
            "No deal was merged into itself.",
            "merged_into_id = source_id",
        ),
        not_ahead("created_at"),
    ),
    "field_changes": (
        within(
            "entity",
            sorted(ENTITIES),
            "warning",
            "The changed record is of an entity of the contract.",
        ),
        never(
            "nothing_changed",
            "warning",
            "The value after a change differs from the one before.",
            "old_value = new_value",
        ),
        not_ahead("changed_at"),
    ),
    "activities": (
        between(
            "duration_within_a_day",
            "warning",
            "The activity took no longer than a day.",
            column="duration_seconds",
            maximum=86400,
        ),
    ),
}
