"""Columns that a company adds to entities: loaded and typed as those of the contract."""

from __future__ import annotations

import pytest

from ingestion.errors import CompanyError
from tests.ingestion.conftest import Exports

DEALS = {
    "opportunities": {
        "from": "deals",
        "columns": {"source_id": "id", "name": "id", "stage": "stage", "created_at": "made"},
    }
}
LABELLED = {
    "opportunities": {
        **DEALS["opportunities"],
        "columns": {
            **DEALS["opportunities"]["columns"],
            "label": "lower(tag)",
            "shown_on": "shown",
        },
    }
}
EXTRA = {"opportunities": {"label": "text", "shown_on": {"type": "date"}}}
VERSIONS = (
    "select source_id, row_hash from raw_files.opportunities order by _dlt_load_id, source_id"
)


@pytest.fixture
def crm(exports: Exports) -> Exports:
    exports.write(
        "deals.csv",
        "id,stage,made,tag,shown\n"
        "d1,Open,2024-01-01,Hot,2024-02-01\n"
        "d2,Open,2024-01-02,,\n"
        "d3,Open,2024-01-03,cold,soon\n",
    )
    return exports


def test_it_is_mapped_typed_and_rejected_as_those_of_the_contract(crm: Exports) -> None:
    crm.settings["extra"] = EXTRA
    assert crm.load(LABELLED)["opportunities"].rows_rejected == 1
    rows = crm.rows("select source_id, label, shown_on from raw_files.opportunities order by 1")
    assert [(row["source_id"], row["label"], str(row["shown_on"])) for row in rows] == [
        ("d1", "hot", "2024-02-01"),
        ("d2", None, "None"),
    ]
    [rejected] = crm.rejected()
    assert rejected["reason"].startswith("shown_on = soon: expected a date")


def test_a_new_column_makes_a_new_version_of_whatever_has_a_value(crm: Exports) -> None:
    crm.load(DEALS)
    before = crm.rows(VERSIONS)
    crm.settings["extra"] = EXTRA
    load = crm.load(LABELLED)["opportunities"]
    assert (load.rows_new, load.rows_changed, load.rows_deleted) == (0, 1, 0), (
        "of d1, for more is known"
    )
    assert crm.rows(VERSIONS)[: len(before)] == before
    assert crm.load(LABELLED)["opportunities"].is_unchanged


def test_one_that_no_source_maps_is_empty(crm: Exports) -> None:
    crm.settings["extra"] = EXTRA
    crm.load(DEALS)
    rows = crm.rows("select label, shown_on from raw_files.opportunities")
    assert rows == [{"label": None, "shown_on": None}] * 3


def test_one_of_an_entity_that_no_load_brings_is_there_all_the_same(crm: Exports) -> None:
    crm.load(DEALS)
    crm.settings["extra"] = {"accounts": {"tier": "text"}}
    assert crm.load(DEALS)["opportunities"].is_unchanged
    assert crm.rows("select tier from raw_files.accounts") == []


def test_without_columns_one_that_bears_the_name_is_taken(exports: Exports) -> None:
    exports.settings["extra"] = {"users": {"desk": "integer"}}
    exports.write("users.csv", "source_id,name,desk\nann,Ann,12\n")
    exports.load({"users": {"from": "users"}})
    assert exports.rows("select desk from raw_files.users") == [{"desk": 12}]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (
            {"opportunities": {"label": "txt"}},
            "extra.opportunities.label.type = 'txt': no type of a column; did you mean 'text'?",
        ),
        ({"deals": {"label": "text"}}, "extra.deals: unknown entity"),
        (
            {"opportunities": {"amount": "money"}},
            "extra.opportunities.amount: opportunities have a column of that name",
        ),
        ({"opportunities": {"row_hash": "text"}}, "opportunities have a column of that name"),
        (
            {"opportunities": {"team": "text"}},
            "extra.opportunities.team: the models of opportunities use that name",
        ),
        ({"contacts": {"order": "text"}}, "extra.contacts.order: the models of contacts use"),
        (
            {"opportunities": {"My Label": "text"}},
            "extra.opportunities.My Label: not small letters",
        ),
        (
            {"opportunities": {"channel": {"type": "text", "cut": True}}},
            "extra.opportunities.channel: metrics have a cut or a column of that name",
        ),
        (
            {"leads": {"kind": {"type": "text", "cut": True}}},
            "extra.leads.kind: metrics have a cut or a column of that name",
        ),
        (
            {"opportunities": {"seats": {"type": "integer", "cut": True}}},
            "extra.opportunities.seats.cut = True: a cut is text of opportunities or leads",
        ),
        (
            {"opportunities": {"shown_on": {"type": "date", "event": True}}},
            "extra.opportunities.shown_on.event = True: an event is a timestamp",
        ),
        (
            {"opportunities": {"label": {"type": "text", "description": "{{ 1 + 1 }}"}}},
            "extra.opportunities.label.description = '{{ 1 + 1 }}': dbt would read what is in",
        ),
        (
            {"opportunities": {"label": {"type": "text", "cuts": True}}},
            "extra.opportunities.label.cuts = True: unknown key; did you mean 'cut'?",
        ),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_is_wrong_is_told(crm: Exports, extra: object, message: str) -> None:
    crm.settings["extra"] = extra
    with pytest.raises(CompanyError) as error:
        crm.company(DEALS)
    assert message in str(error.value)
