"""Experiments, training, content and surveys."""

from __future__ import annotations

from ingestion.contract.columns import RECORD, Column, Entity, id_of, moment, text

ENABLEMENT = (
    Entity(
        "experiments",
        "experiment",
        "Tests of sales approaches.",
        (
            text("name", "The experiment's name.", required=True),
            text("unit", "What is assigned to a variant (lead, opportunity, account, user)."),
            text("primary_metric", "The metric that decides."),
            moment("started_at", "When it began (UTC)."),
            moment("ended_at", "When it ended (UTC).", event=True),
        ),
        is_referenced=True,
        begins_at="started_at",
    ),
    Entity(
        "experiment_assignments",
        "experiment_assignment",
        "Which unit was given which variant.",
        (
            id_of("experiment_id", "experiments", "source_id of the experiment.", required=True),
            id_of("unit_id", RECORD, "source_id of the assigned record.", required=True),
            text("variant", "The variant.", required=True),
            moment("assigned_at", "When it was assigned (UTC).", required=True),
        ),
        key=("experiment_id", "unit_id"),
        begins_at="assigned_at",
    ),
    Entity(
        "training",
        "training_record",
        "Courses that people took.",
        (
            id_of("user_id", "users", "source_id of the user.", required=True),
            text("course", "The course.", required=True),
            text("skill", "The skill that it trains."),
            moment("completed_at", "When it was completed (UTC).", event=True),
            Column("score", "number", "The score reached."),
        ),
    ),
    Entity(
        "content",
        "content_item",
        "Sales content.",
        (
            text("title", "The title.", required=True),
            text("type", "Kind of content."),
        ),
        is_referenced=True,
    ),
    Entity(
        "content_usage",
        "content_use",
        "Uses of sales content.",
        (
            id_of("content_id", "content", "source_id of the content.", required=True),
            id_of("user_id", "users", "source_id of the user."),
            id_of("opportunity_id", "opportunities", "source_id of the opportunity."),
            moment("occurred_at", "When it was used (UTC).", required=True),
        ),
        begins_at="occurred_at",
    ),
    Entity(
        "surveys",
        "survey_response",
        "Answers to customer surveys.",
        (
            id_of("account_id", "accounts", "source_id of the account."),
            id_of("opportunity_id", "opportunities", "source_id of the opportunity."),
            moment("occurred_at", "When it was answered (UTC).", required=True),
            text("type", "Kind of survey.", required=True, allowed=("nps", "csat")),
            Column("score", "number", "The score given.", required=True),
            text("comment", "The comment given."),
        ),
        begins_at="occurred_at",
    ),
)
