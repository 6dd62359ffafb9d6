"""The ERP's tables, and how each row of them follows from the world's finance.

Nothing is called as the contract calls it. What changes has a stamp, `changed_at`, by which it can
be asked for. Debtors that are removed stay, marked, since their invoices name them; other rows are
gone from their table, and some of their keys are in `removed_key`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SCHEMA = "erp"
READER = "salesops"
"""The user that may read all tables, and nothing else."""

CONTRACT_STATES = {
    "trialing": "T", "active": "A", "past_due": "D", "unpaid": "U", "paused": "P", "ended": "E",
    "canceled": "X",
}  # fmt: skip
INVOICE_STATES = {"open": 10, "paid": 20, "void": 90}
COST_TYPES = {"salaries": 6000, "tools": 6100, "events": 6200, "agency": 6300, "other": 6900}


@dataclass(frozen=True)
class Table:
    """A table of the ERP, and the SQL of its rows.

    `rows` is a SELECT of the columns in their order. What it reads are the world's tables by the
    names of their entities, in columns of the contract, all of them text. Rows are told from each
    other by `key`; without one the table is filled anew. Of what is
    deleted in the entity `removed_from`, `removed_key` tells.
    """

    name: str
    definition: str
    rows: str
    key: tuple[str, ...] = ()
    removed_from: str = ""


def _code(column: str, codes: Mapping[str, str | int]) -> str:
    """SQL of the ERP's code for a word; NULL, which no such column takes, for an unknown one."""
    cases = " ".join(f"when '{word}' then '{code}'" for word, code in codes.items())
    return f"case {column} {cases} end"


DEBTOR = Table(
    "debtor",
    """
    debtor_no bigint primary key,
    name text not null,
    billing_email text,
    website text,
    crm_company text,
    opened_at timestamp not null,
    is_removed char(1) not null,
    changed_at timestamptz not null
    """,
    """
    select source_id::bigint, name, email, domain, account_id, created_at::timestamp,
        case is_deleted when 'true' then 'Y' else 'N' end, source_updated_at::timestamptz
    from customers
    """,
    ("debtor_no",),
)
CONTRACT = Table(
    "contract",
    """
    contract_no bigint primary key,
    debtor_no bigint not null,
    state char(1) not null,
    tariff text,
    valid_from timestamp not null,
    valid_to timestamp,
    currency char(3) not null,
    monthly_fee numeric(18, 6) not null,
    changed_at timestamptz not null
    """,
    f"""
    select source_id::bigint, customer_id::bigint, {_code("status", CONTRACT_STATES)}, plan,
        started_at::timestamp, ended_at::timestamp, currency, mrr::numeric,
        source_updated_at::timestamptz
    from subscriptions
    """,
    ("contract_no",),
)
INVOICE = Table(
    "ar_invoice",
    """
    doc_no bigint primary key,
    debtor_no bigint not null,
    doc_state smallint not null,
    posted_at timestamp not null,
    terms interval,
    cleared_at timestamp,
    currency char(3) not null,
    gross numeric(18, 2) not null,
    vat numeric(18, 2) not null,
    settled numeric(18, 2) not null,
    crm_deal text,
    changed_at timestamptz not null
    """,
    f"""
    select source_id::bigint, customer_id::bigint,
        ({_code("status", INVOICE_STATES)})::smallint, issued_at::timestamp,
        due_at::timestamp - issued_at::timestamp, paid_at::timestamp, currency, total::numeric,
        tax::numeric, amount_paid::numeric, opportunity_id,
        greatest(source_updated_at::timestamptz, issued_at::timestamptz)
    from invoices
    """,
    ("doc_no",),
)
INVOICE_ITEM = Table(
    "ar_invoice_item",
    """
    doc_no bigint not null,
    item_no int not null,
    article text,
    quantity int not null,
    net numeric(18, 2) not null,
    service_from date,
    service_to date,
    is_contract char(1) not null,
    changed_at timestamptz not null,
    primary key (doc_no, item_no)
    """,
    """
    select invoice_id::bigint,
        row_number() over (partition by invoice_id order by item.source_id::bigint),
        product, quantity::int, amount::numeric, period_start::date, period_end::date,
        case is_recurring when 'true' then 'Y' else 'N' end,
        greatest(item.source_updated_at::timestamptz, issued_at::timestamptz)
    from invoice_lines as item
    inner join invoices on invoices.source_id = item.invoice_id
    """,
    ("doc_no", "item_no"),
)
RECEIPT = Table(
    "ar_receipt",
    """
    receipt_no bigint primary key,
    debtor_no bigint not null,
    doc_no bigint,
    received_at timestamp not null,
    currency char(3) not null,
    amount numeric(18, 2) not null,
    changed_at timestamptz not null
    """,
    """
    select source_id::bigint, customer_id::bigint, invoice_id::bigint, occurred_at::timestamp,
        currency, amount::numeric, source_updated_at::timestamptz
    from payments
    """,
    ("receipt_no",),
)
CREDIT_MEMO = Table(
    "ar_credit_memo",
    """
    memo_no bigint primary key,
    debtor_no bigint not null,
    doc_no bigint,
    posted_at timestamp not null,
    currency char(3) not null,
    amount numeric(18, 2) not null,
    changed_at timestamptz not null
    """,
    """
    select source_id::bigint, customer_id::bigint, invoice_id::bigint, occurred_at::timestamp,
        currency, amount::numeric, source_updated_at::timestamptz
    from credit_notes where not is_deleted::boolean
    """,
    ("memo_no",),
    removed_from="credit_notes",
)
EXPENSE = Table(
    "gl_expense",
    """
    period date not null,
    cost_type smallint not null,
    cost_centre text,
    currency char(3) not null,
    amount numeric(18, 2) not null
    """,
    f"""
    select month::date, ({_code("category", COST_TYPES)})::smallint, team, currency,
        amount::numeric
    from costs
    """,
)
RATE = Table(
    "exchange_rate",
    """
    quoted_on date not null,
    base char(3) not null,
    quote char(3) not null,
    rate numeric(18, 6) not null,
    entered_at timestamptz not null,
    primary key (quoted_on, base, quote)
    """,
    """
    select day::date, from_currency, to_currency, rate::numeric, source_updated_at::timestamptz
    from fx_rates
    """,
    ("quoted_on", "base", "quote"),
)
TABLES = (DEBTOR, CONTRACT, INVOICE, INVOICE_ITEM, RECEIPT, CREDIT_MEMO, EXPENSE, RATE)
ENTITIES = (
    "customers", "subscriptions", "invoices", "invoice_lines", "payments", "credit_notes", "costs",
    "fx_rates",
)  # fmt: skip
"""Of the world, what the ERP holds."""
DEFINITIONS = f"""
create schema {SCHEMA};
set search_path to {SCHEMA};
create table removed_key (
    table_name text not null,
    key text not null,
    removed_at timestamptz not null,
    primary key (table_name, key)
);
{"".join(f"create table {table.name} ({table.definition});" for table in TABLES)}
create view ar_open_item as
    select doc_no, debtor_no, currency, gross - settled as open_amount
    from ar_invoice where doc_state = {INVOICE_STATES["open"]};
"""
