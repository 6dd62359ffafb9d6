"""How selling is learned: experiments, training, content, and what customers say."""

from __future__ import annotations

from collections.abc import Mapping

from expectations.suites.model import Check, between, given, never, ordered
from expectations.suites.raw.common import not_ahead

CHECKS: Mapping[str, tuple[Check, ...]] = {
    "experiments": (
        ordered(
            "ended_after_started",
            "warning",
            "No experiment ended before it started.",
            "started_at",
            "ended_at",
        ),
    ),
    "experiment_assignments": (not_ahead("assigned_at"),),
    "training": (
        between(
            "score_not_negative",
            "warning",
            "The score is not negative.",
            column="score",
            minimum=0,
        ),
        not_ahead("completed_at"),
    ),
    "content": (never("title_blank", "warning", "The title says something.", "trim(title) = ''"),),
    "content_usage": (
        given("user_id", "warning", "The use says who used it."),
        not_ahead("occurred_at"),
    ),
    "surveys": (
        never(
            "nps_out_of_range",
            "warning",
            "A net promoter score lies between 0 and 10.",
            "type = 'nps' and (score < 0 or score > 10)",
        ),
        never(
            "about_nothing",
            "warning",
            "The answer is about an account or a deal.",
            "coalesce(account_id, opportunity_id) is null",
        ),
        not_ahead("occurred_at"),
    ),
}
