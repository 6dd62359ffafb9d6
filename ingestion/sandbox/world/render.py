"""The world's stores as Arrow tables in the shape of the contract's canonical entities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.sandbox.world.calendar import HOUR, Ints, to_moment
from ingestion.sandbox.world.people import MANAGER, MARKETING, OTHER
from ingestion.sandbox.world.records import telling
from ingestion.sandbox.world.schema import (
    ENTITIES,
    NONE,
    NULL,
    NULL_DAY,
    PIPELINES,
    REGIONS,
    RELABELLED,
    SEGMENTS,
    STAGE_LABELS,
    STAGES,
    Column,
)
from ingestion.sandbox.world.store import Array, State, Store

FIRST_ID = {
    entity: 10_000_001 + 40_000_000_000 * position
    for position, entity in enumerate([*ENTITIES, "field_changes", "pipeline_stages"])
}
"""Source id of each entity's row 0; row n has the n-th id after it."""
HISTORY_FIELDS = ("stage", "amount", "close_date", "owner_id", "forecast_category", "currency")
"""Fields of opportunities whose every value is in `field_changes`."""
MONEY = pa.decimal128(18, 2)
RATE = pa.decimal128(18, 6)

GIVEN = (
    "Ada", "Ben", "Chloe", "Dmitri", "Elif", "Femi", "Grace", "Hana", "Ivan", "Joana", "Kofi",
    "Lena", "Mateo", "Nora", "Omar", "Priya", "Quinn", "Rosa", "Sven", "Tara", "Uma", "Viktor",
    "Wen", "Yusuf", "Zoe",
)  # fmt: skip
FAMILY = (
    "Adler", "Bauer", "Chen", "Diaz", "Evans", "Fischer", "Garcia", "Haddad", "Ito", "Jensen",
    "Kumar", "Lopez", "Moreau", "Novak", "Okafor", "Patel", "Rossi", "Silva", "Tanaka", "Usman",
    "Varga", "Weber", "Xu", "Young", "Ziegler", "Brandt", "Costa", "Dubois", "Eriksen",
)  # fmt: skip
COMPANY_FIRST = (
    "Amber", "Blue", "Cedar", "Delta", "Eagle", "Falcon", "Granite", "Harbor", "Iron", "Juniper",
    "Keystone", "Lunar", "Maple", "North", "Orchid", "Pioneer", "Quarry", "River", "Summit",
    "Timber", "Union", "Vista", "Willow",
)  # fmt: skip
COMPANY_LAST = (
    "Analytics", "Bank", "Care", "Dynamics", "Energy", "Foods", "Goods", "Health", "Industries",
    "Labs", "Logistics", "Media", "Motors", "Partners", "Retail", "Systems", "Works",
)  # fmt: skip
TEXT = pa.string()
OFFICES = {OTHER: "Leadership", MARKETING: "Marketing"}
"""Teams of the roles that are in no team of sales."""


def _words(words: Sequence[str], number: Ints) -> pa.Array:
    return pa.array(words).take(pa.array(number % len(words)))


def _join(*parts: pa.Array | str, by: str = " ") -> pa.Array:
    return pc.binary_join_element_wise(*[_text(p) for p in parts], by)


def _text(part: pa.Array | Array | str) -> pa.Array | pa.Scalar:
    if isinstance(part, str):
        return pa.scalar(part)
    return pc.cast(pa.array(part) if isinstance(part, np.ndarray) else part, TEXT)


def _person(number: Ints) -> pa.Array:
    return _join(_words(GIVEN, number), _words(FAMILY, number // len(GIVEN)))


def _company(number: Ints) -> pa.Array:
    size = len(COMPANY_FIRST)
    return _join(_words(COMPANY_FIRST, number), _words(COMPANY_LAST, number // size), number + 100)


def _domain(number: Ints) -> pa.Array:
    return _join(pc.replace_substring(pc.utf8_lower(_company(number)), " ", "-"), "example", by=".")


def _email(person: Ints, domain: pa.Array) -> pa.Array:
    local = pc.replace_substring(pc.utf8_lower(_person(person)), " ", ".")
    return _join(_join(local, person, by=""), domain, by="@")


def _bitmap(valid: Array) -> pa.Buffer | None:
    if valid.all():
        return None
    return pa.py_buffer(np.packbits(valid, bitorder="little"))


def _fixed(values: Ints, valid: Array, kind: pa.DataType) -> pa.Array:
    """Fixed-point decimals of integers that already count units of the last place."""
    wide = np.empty((len(values), 2), np.int64)
    wide[:, 0] = values
    wide[:, 1] = values >> 63
    return pa.Array.from_buffers(kind, len(values), [_bitmap(valid), pa.py_buffer(wide)])


def source_ids(entity: str, rows: Ints) -> pa.Array:
    """Source ids (text) of rows; null where the row is none."""
    rows = np.asarray(rows, np.int64)
    return pc.cast(pa.array(rows + FIRST_ID[entity], mask=rows == NONE), TEXT)


def render(column: Column, values: Array) -> pa.Array:
    """Stored values of a column as Arrow.

    Ids and codes become text, money decimal(18, 2), moments naive UTC timestamps in microseconds,
    days date32.
    """
    values = np.asarray(values)
    if column.kind == "ref":
        return source_ids(str(column.of), values)
    if column.kind == "bool":
        return pa.array(values.astype(bool))
    valid = np.isfinite(values) if column.kind == "float" else values != column.null
    if column.kind == "code":
        indices = pa.array(values.astype(np.int32), mask=~valid)
        return pa.array(column.of, TEXT).take(indices)
    if column.kind == "money":
        return _fixed(values.astype(np.int64), valid, MONEY)
    if column.kind in ("rate", "exact"):
        return _fixed(values.astype(np.int64), valid, RATE)
    if column.kind == "moment":
        return pa.array(values.astype(np.int64), mask=~valid).view(pa.timestamp("us"))
    if column.kind == "day":
        return pa.array(values.astype(np.int32), mask=~valid).view(pa.date32())
    return pa.array(values, mask=~valid)


def team_names(state: State) -> list[str]:
    """Names of the teams of sales by number: region and segment of their managers."""
    users = state["users"]
    managers = np.flatnonzero(users["role"] == MANAGER)
    regions = _words(REGIONS, users["region"][managers])
    segments = _words(SEGMENTS, users["segment"][managers])
    return _join(regions, segments, np.arange(len(managers)) + 1).to_pylist()


def _user_texts(state: State, rows: Ints) -> dict[str, pa.Array]:
    users = state["users"]
    number = rows * 7 + 3
    team, role = np.maximum(users["team_number"][rows], 0), users["role"][rows]
    labels = pa.array(team_names(state)).take(pa.array(team))
    staff = np.isin(role, (OTHER, MARKETING))
    office = np.where(role == MARKETING, OFFICES[MARKETING], OFFICES[OTHER])
    emails = _join(
        _join(pc.replace_substring(pc.utf8_lower(_person(number)), " ", "."), rows, by=""),
        "salesops.example", by="@",
    )  # fmt: skip
    return {
        "name": _join(_person(number), rows + 1),
        "email": emails,
        "team": pc.if_else(pa.array(staff), pa.array(office), labels),
    }


def _account_texts(accounts: Store, rows: Ints) -> dict[str, pa.Array]:
    number = accounts["company_number"][rows].astype(np.int64)
    return {"name": _company(number), "domain": _domain(number)}


def _person_texts(people: Store, rows: Ints) -> dict[str, pa.Array]:
    person = people["person_number"][rows].astype(np.int64)
    company = people["company_number"][rows].astype(np.int64)
    return {"name": _person(person), "email": _email(person, _domain(company))}


def ad_names(state: State, rows: Ints) -> dict[str, pa.Array]:
    """Ids and names of ads and of their groups, two ads each; null where the row is none.

    `id`, `name`, `ad_group`, `ad_group_name`.
    """
    ads, is_none = state["ads"], pa.array(rows == NONE)
    known = np.maximum(rows, 0) if len(ads) else np.empty(0, np.int64)
    campaign, number = ads["campaign_id"][known] + 1, ads["number"][known]
    names = {
        "name": _join("Ad", campaign, number + 1),
        "ad_group": _join(source_ids("campaigns", campaign - 1), number // 2 + 1, by=""),
        "ad_group_name": _join("Group", campaign, number // 2 + 1),
    }
    nothing = pa.scalar(None, TEXT)
    return {
        "id": source_ids("ads", rows),
        **{name: pc.if_else(is_none, nothing, texts) for name, texts in names.items()},
    }


def _nulls(rows: Ints) -> pa.Array:
    return pa.nulls(len(rows), TEXT)


def _texts(state: State, entity: str, rows: Ints) -> dict[str, pa.Array]:
    """The text columns of an entity that follow from its other columns."""
    store = state[entity]
    if entity == "users":
        return _user_texts(state, rows)
    if entity == "accounts":
        return _account_texts(store, rows)
    if entity in ("contacts", "leads"):
        return _person_texts(store, rows)
    if entity == "opportunities":
        product = render(store.columns["product"], store["product"][rows])
        kind = render(store.columns["deal_type"], store["deal_type"][rows])
        return {"name": _join(product, kind, rows + 1)}
    if entity == "campaigns":
        channel = render(store.columns["channel"], store["channel"][rows])
        name = _join(channel, "campaign", rows + 1)
        renamed = _join(name, _join("v", store["renamings"][rows] + 1, by=""))
        return {"name": pc.if_else(pa.array(store["renamings"][rows] > 0), renamed, name)}
    if entity == "spend_daily":
        campaigns, named = state["campaigns"], ad_names(state, store["ad"][rows])
        account = campaigns["ad_account"][store["campaign_id"][rows]]
        return {
            "ad_account": render(campaigns.columns["ad_account"], account),
            "ad_group": named["ad_group_name"],
            "ad": named["name"],
        }
    if entity == "customers":
        account = store["account_id"][rows].astype(np.int64)
        texts = _account_texts(state["accounts"], account)
        return {**texts, "email": _join("billing", texts["domain"], by="@")}
    if entity == "content":
        kind = render(store.columns["type"], store["type"][rows])
        return {"title": _join(kind, store["topic"][rows] + 1)}
    if entity == "experiments":
        return {"name": _join("New proposal template", rows + 1)}
    if entity == "quotas":
        team = store["team_number"][rows]
        names = pa.array(np.maximum(team, 0), mask=team == NULL_DAY)
        return {"team": pa.array(team_names(state), TEXT).take(names)}
    if entity == "surveys":
        return {"comment": _nulls(rows)}
    return {}


def entity_table(state: State, entity: str, rows: Ints | None = None) -> pa.Table:
    """Current state of an entity, whole or only some rows."""
    if entity == "pipeline_stages":
        return _pipeline_stages(state)
    if entity == "field_changes":
        return _field_changes(state, rows)
    store = state[entity]
    rows = told_rows(state, entity) if rows is None else rows
    columns = {"source_id": source_ids(entity, rows), **_texts(state, entity, rows)}
    for column in ENTITIES[entity]:
        if not column.hidden and column.name != "is_deleted":
            columns[column.name] = render(_as_named(state, column), store[column.name][rows])
    if entity == "activities":
        columns |= _as_done(store, rows, columns)
    if entity == "invoice_lines":
        columns["amount"] = render(store.columns["amount"], _net_amount(state, rows))
        columns["quantity"] = render(store.columns["quantity"], _net_quantity(state, rows))
    deleted = store["is_deleted"][rows] if "is_deleted" in store.columns else np.zeros(len(rows))
    columns["source_updated_at"] = render(store.columns["updated_at"], store["updated_at"][rows])
    columns["is_deleted"] = pa.array(deleted.astype(bool))
    return pa.table(columns)


def told_rows(state: State, entity: str) -> Ints:
    """Positions of the rows that are told by now: all but drafts of invoices, and their lines."""
    rows = np.arange(len(state[entity]))
    if entity not in ("invoices", "invoice_lines"):
        return rows
    invoice = state["invoice_lines"]["invoice_id"] if entity == "invoice_lines" else rows
    return rows[state["invoices"]["issued_at"][invoice] < state.now]


def _net_amount(state: State, rows: Ints) -> Ints:
    """Amounts of lines less the discounts of their invoices, which are all of what recurs."""
    lines = state["invoice_lines"]
    discount = state["invoices"]["discount"][lines["invoice_id"][rows]]
    takes = (lines["is_recurring"][rows] == 1) & (discount != NULL)
    net: Ints = lines["amount"][rows] - np.where(takes, discount, 0)
    return net


def _net_quantity(state: State, rows: Ints) -> Ints:
    """Quantities of lines: what is credited is given back."""
    lines = state["invoice_lines"]
    net: Ints = lines["quantity"][rows] * np.where(lines["amount"][rows] < 0, -1, 1)
    return net


def _as_done(store: Store, rows: Ints, columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """Whether and when activities happened: those that were planned, when they were done."""
    is_plan, done_at = store["is_plan"][rows] == 1, store["done_at"][rows]
    is_done = ~is_plan | (done_at != NULL)
    happened = np.where(is_plan & is_done, done_at, store["occurred_at"][rows])
    meetings = pc.if_else(pc.equal(columns["type"], "meeting"), "scheduled", None)
    return {
        "occurred_at": render(store.columns["occurred_at"], happened),
        "planned_at": render(
            store.columns["occurred_at"], np.where(is_plan, store["occurred_at"][rows], NULL)
        ),
        "is_done": pa.array(is_done),
        "outcome": pc.if_else(pa.array(is_done), columns["outcome"], meetings),
    }


def _pipeline_stages(state: State) -> pa.Table:
    rows = np.arange(len(STAGES))
    category = next(c for c in ENTITIES["opportunities"] if c.name == "forecast_category")
    codes = np.array([stage.forecast_category for stage in STAGES])
    updated = np.full(len(STAGES), state["users"]["updated_at"][0])
    if state.is_relabelled:
        updated[list(RELABELLED)] = to_moment(state.causes.relabelled_on) + 9 * HOUR
    return pa.table(
        {
            "source_id": source_ids("pipeline_stages", rows),
            "pipeline": pa.array([PIPELINES[stage.pipeline] for stage in STAGES]),
            "stage": pa.array(state.stage_labels),
            "stage_order": pa.array([stage.order for stage in STAGES], pa.int32()),
            "status": pa.array([stage.status for stage in STAGES]),
            "probability": pa.array([stage.probability for stage in STAGES], pa.float64()),
            "forecast_category": render(category, codes),
            "source_updated_at": pa.array(updated).view(pa.timestamp("us")),
            "is_deleted": pa.array(np.zeros(len(STAGES), bool)),
        }
    )


def history_rows(state: State) -> Ints:
    """Positions in the log of opportunities that `field_changes` shows by now."""
    wanted = [i for i, c in enumerate(ENTITIES["opportunities"]) if c.name in HISTORY_FIELDS]
    rows = np.flatnonzero(np.isin(state.logs["opportunities"]["field"], wanted))
    return rows[told_at(state, rows) < state.now]


def told_at(state: State, rows: Ints) -> Ints:
    """When the history tells of changes of deals, by their positions in the log.

    At once, but of some closings days later.
    """
    log, deals = state.logs["opportunities"], state["opportunities"]
    stage = next(i for i, c in enumerate(ENTITIES["opportunities"]) if c.name == "stage")
    at, deal = log["at"][rows], log["id"][rows]
    lags = (log["field"][rows] == stage) & (deals["untold_at"][deal] == at)
    return np.where(lags, telling(deals["told_on"][deal]), at)


def _as_named(state: State, column: Column) -> Column:
    """A column whose codes are stages, with the names that they have now."""
    if column.of is not STAGE_LABELS or column.name != "stage":
        return column
    return replace(column, of=state.stage_labels)


def _value_text(column: Column, values: Array) -> pa.Array:
    """Stored values as text: ISO dates, decimals, labels, source ids."""
    return pc.cast(render(column, values), TEXT)


def _field_changes(state: State, rows: Ints | None) -> pa.Table:
    log = state.logs["opportunities"]
    rows = history_rows(state) if rows is None else rows
    columns = ENTITIES["opportunities"]
    fields = log["field"][rows]
    by_field = [(columns[field], rows[fields == field]) for field in np.unique(fields)]
    pieces = [_changes_of(state, part, _as_named(state, column)) for column, part in by_field]
    table = pa.concat_tables(pieces or [_changes_of(state, rows, columns[0])])
    return table.take(pc.sort_indices(table["source_id"]))


def _changes_of(state: State, position: Ints, column: Column) -> pa.Table:
    log, count = state.logs["opportunities"], len(position)
    moment = pa.array(log["at"][position]).view(pa.timestamp("us"))
    return pa.table(
        {
            "source_id": source_ids("field_changes", position),
            "entity": pa.array(["opportunities"]).take(pa.array(np.zeros(count, np.int32))),
            "entity_id": source_ids("opportunities", log["id"][position]),
            "field": pa.array([column.name]).take(pa.array(np.zeros(count, np.int32))),
            "old_value": _value_text(column, log["old"][position]),
            "new_value": _value_text(column, log["new"][position]),
            "changed_at": moment,
            "changed_by": source_ids("users", log["by"][position]),
            "source_updated_at": pa.array(told_at(state, position)).view(pa.timestamp("us")),
            "is_deleted": pa.array(np.zeros(count, bool)),
        }
    )
