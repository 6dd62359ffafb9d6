"""Customers, subscriptions, invoices, payments and costs."""

from __future__ import annotations

from ingestion.contract.columns import CURRENCY, Column, Entity, day, id_of, moment, money, text

FINANCE = (
    Entity(
        "customers",
        "customer",
        "Paying customers, as the billing system knows them.",
        (
            text("name", "The customer's name."),
            text("email", "Billing email address (personal data: never published)."),
            text("domain", "Web domain."),
            id_of("account_id", "accounts", "source_id of the account."),
            moment("created_at", "When the customer was created (UTC)."),
        ),
        is_referenced=True,
        begins_at="created_at",
    ),
    Entity(
        "subscriptions",
        "subscription",
        "Recurring contracts.",
        (
            id_of("customer_id", "customers", "source_id of the customer.", required=True),
            text("status", "The subscription's status, as the source names it.", required=True),
            moment("started_at", "When it began (UTC).", required=True),
            moment("ended_at", "When it ended or will end (UTC)."),
            CURRENCY,
            money("mrr", "Native monthly recurring revenue.", required=True, minimum=0),
            text("plan", "The plan."),
        ),
        is_referenced=True,
        begins_at="started_at",
    ),
    Entity(
        "invoices",
        "invoice",
        "Invoices.",
        (
            id_of("customer_id", "customers", "source_id of the customer.", required=True),
            moment("issued_at", "When it was issued (UTC).", required=True),
            moment("due_at", "When it is due (UTC)."),
            moment("paid_at", "When it was paid (UTC).", event=True),
            text("status", "The invoice's status, as the source names it.", required=True),
            CURRENCY,
            money("total", "Native total, tax included.", required=True),
            money("tax", "Native tax."),
            money("amount_paid", "Native amount paid so far."),
            id_of(
                "opportunity_id", "opportunities", "source_id of the opportunity that led to it."
            ),
        ),
        is_referenced=True,
        begins_at="issued_at",
    ),
    Entity(
        "invoice_lines",
        "invoice_line",
        "Lines of invoices.",
        (
            id_of("invoice_id", "invoices", "source_id of the invoice.", required=True),
            text("product", "What was sold."),
            Column("quantity", "number", "How many; negative on returns."),
            money("amount", "Native amount of the line.", required=True),
            moment("period_start", "Start of the service period (UTC)."),
            moment("period_end", "End of the service period (UTC)."),
            Column("is_recurring", "boolean", "Whether the line recurs."),
        ),
    ),
    Entity(
        "payments",
        "payment",
        "Payments received.",
        (
            id_of("customer_id", "customers", "source_id of the customer.", required=True),
            id_of("invoice_id", "invoices", "source_id of the paid invoice."),
            moment("occurred_at", "When it was received (UTC).", required=True),
            money("amount", "Native amount.", required=True),
            CURRENCY,
        ),
        begins_at="occurred_at",
    ),
    Entity(
        "credit_notes",
        "credit_note",
        "Credits and refunds.",
        (
            id_of("customer_id", "customers", "source_id of the customer.", required=True),
            id_of("invoice_id", "invoices", "source_id of the credited invoice."),
            moment("occurred_at", "When it was given (UTC).", required=True),
            money("amount", "Native amount.", required=True),
            CURRENCY,
        ),
        begins_at="occurred_at",
    ),
    Entity(
        "costs",
        "cost",
        "Monthly sales and marketing costs other than advertising.",
        (
            day("month", "First day of the month.", required=True),
            text(
                "category",
                "Kind of cost.",
                required=True,
                allowed=("salaries", "tools", "events", "agency", "other"),
            ),
            text("team", "The team that it was spent on."),
            money("amount", "Native amount.", required=True),
            CURRENCY,
        ),
        key=("month", "category", "team", "currency"),
        begins_at="month",
    ),
)
