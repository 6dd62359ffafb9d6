"""Shapes of exports that need keys of company.yml, and no SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from ingestion.errors import CompanyError, SourceError
from ingestion.pipeline import load_source
from tests.ingestion.conftest import Exports

STAGES = [
    {"stage": "Qualified", "stage_order": "1", "status": "open"},
    {"stage": "Offer", "stage_order": "2", "status": "open"},
]
DEALS = {"source_id": "id", "stage": "stage", "owner_id": "owner"}


def entity(**keys: Any) -> dict[str, Any]:
    """A mapping; `from_` is `from`."""
    return {key.rstrip("_"): value for key, value in keys.items()}


def loaded(exports: Exports, table: str, columns: str, order: str = "1") -> list[tuple[Any, ...]]:
    rows = exports.rows(f"select {columns} from raw_files.{table} order by {order}")
    return [tuple(row.values()) for row in rows]


def warnings(exports: Exports, entities: Mapping[str, Any]) -> Sequence[str]:
    company = exports.company(entities)
    return load_source(company, company.sources[0]).warnings


# A status beside the stage.


def status_of(**keys: Any) -> dict[str, Any]:
    return {
        "pipeline_stages": {"rows": STAGES},
        "opportunities": entity(
            from_="deals",
            columns=DEALS | keys.pop("columns", {}),
            status={"column": "status"} | keys,
        ),
    }


def test_a_status_closes_a_deal_and_its_last_open_stage_is_kept(exports: Exports) -> None:
    exports.write(
        "deals.csv",
        "id,stage,status,owner\nwon_from_offer,Offer,Gewonnen,a\nlost_early,Qualified, LOST ,a\n"
        "still_open,Offer,open,a\ngone,Offer,deleted,a\n",
    )
    exports.load(status_of(won=["Gewonnen"]))
    assert loaded(exports, "opportunities", "source_id, stage, last_open_stage, is_deleted") == [
        ("gone", "Offer", None, True),
        ("lost_early", "Lost", "Qualified", False),
        ("still_open", "Offer", None, False),
        ("won_from_offer", "Won", "Offer", False),
    ]
    made = loaded(exports, "pipeline_stages", "stage, stage_order, status, probability", "2")
    assert made[2:] == [("Won", 3, "won", 1), ("Lost", 4, "lost", 0)]


def test_sql_that_takes_points_out_has_said_so_of_shaped_rows_too(exports: Exports) -> None:
    header = "id,stage,status,owner,amount\n"
    exports.write("deals_1.csv", f"{header}1,Offer,open,a,1.500\n2,Offer,won,a,n/a\n")
    exports.write("deals_2.csv", f"{header}3,Offer,open,a,2.500\n")
    entities = status_of(columns={"amount": "plain"})
    entities["opportunities"]["from"] = (
        "select *, nullif(replace(amount, '.', ''), 'n/a') as plain from deals"
    )
    exports.load(entities, views={"deals": {"glob": "deals_*.csv"}})
    amounts = loaded(exports, "opportunities", "source_id, amount")
    assert amounts == [("1", 1500), ("2", None), ("3", 2500)]


def test_a_pipelines_own_closed_stages_are_taken(exports: Exports) -> None:
    exports.write(
        "deals.csv",
        "id,pipe,stage,status,owner\n1,New,Offer,won,a\n2,Renewal,Offer,won,a\n"
        "3,Renewal,Paid,won,a\n4,New,Signed,lost,a\n",
    )
    entities = status_of(columns={"pipeline": "pipe"})
    entities["pipeline_stages"] = {
        "rows": [
            {"pipeline": pipeline, "stage": stage, "stage_order": order, "status": status}
            for pipeline, stage, order, status in [
                ("New", "Offer", "1", "open"),
                ("New", "Signed", "2", "won"),
                ("Renewal", "Offer", "1", "open"),
                ("Renewal", "Paid", "2", "won"),
            ]
        ]
    }
    exports.load(entities)
    assert loaded(exports, "opportunities", "source_id, stage, last_open_stage") == [
        ("1", "Signed", "Offer"),
        ("2", "Paid", "Offer"),
        ("3", "Paid", None),
        ("4", "Lost", None),
    ]
    made = "select pipeline, stage from raw_files.pipeline_stages where status = 'lost' order by 1"
    assert [*map(dict.values, exports.rows(made))]
    assert [tuple(r.values()) for r in exports.rows(made)] == [("New", "Lost"), ("Renewal", "Lost")]


def test_a_status_that_no_word_stands_for_is_rejected(exports: Exports) -> None:
    exports.write(
        "deals.csv", "id,stage,status,owner\n1,Offer,Parked,a\n2,Offer,,a\n3,Offer,open,a\n"
    )
    assert exports.load(status_of())["opportunities"].rows == 1
    reasons = [(row["source_line"], row["reason"]) for row in exports.rejected()]
    assert [line for line, _ in reasons] == [2, 3]
    assert reasons[0][1].startswith("status = Parked: expected a word of status.open, status.won")
    exports.write(
        "deals.csv",
        "id,stage,status,owner\n1,Offer,Parked,a\n2,Offer,,a\n3,Offer,open,a\n4,Offer,open,a\n",
    )
    words = status_of(open=["", "parked"])
    assert exports.load(words)["opportunities"].rows == 4


def test_open_in_a_closed_stage_is_no_guess(exports: Exports) -> None:
    exports.write("deals.csv", "id,stage,status,owner\n1,Signed,open,a\n")
    entities = status_of()
    entities["pipeline_stages"] = {
        "rows": [*STAGES, {"stage": "Signed", "stage_order": "3", "status": "won"}]
    }
    exports.load(entities)
    assert exports.rejected()[0]["reason"] == "status = open: but stage Signed is won"


# Names for ids.

PEOPLE = "id,name\n7,Anna Li\n8,Jörg Weiß\n9,Sam Ray\n10,Sam Ray\n"


def matching() -> dict[str, Any]:
    return {
        "opportunities": entity(from_="deals", columns=DEALS, match={"owner_id": "name"}),
        "users": entity(from_="people", columns={"source_id": "id", "name": "name"}),
    }


def test_names_become_the_ids_of_users(exports: Exports) -> None:
    exports.write("people.csv", PEOPLE)
    exports.write(
        "deals.csv",
        "id,stage,owner\nexact,Offer,Anna Li\nan_id,Offer,8\nnobody,Offer,Zoe\n"
        "two_people,Offer,Sam Ray\nblank,Offer,\n",
    )
    told = warnings(exports, matching())
    assert loaded(exports, "opportunities", "source_id, owner_id") == [
        ("an_id", "8"),
        ("blank", None),
        ("exact", "7"),
        ("nobody", "Zoe"),
        ("two_people", "Sam Ray"),
    ]
    assert told == (
        "opportunities: match.owner_id: 1 rows bear a name that several records have, and are "
        "left as they are: 'Sam Ray' is 2 (1); map the column that holds ids, or match by one that "
        "tells them apart",
    )


def test_a_name_spelled_otherwise_is_told(exports: Exports) -> None:
    exports.write("people.csv", PEOPLE)
    exports.write(
        "deals.csv",
        'id,stage,owner\ncase,Offer,anna LI\ntrailing,Offer,"Anna Li "\n'
        "decomposed,Offer,Jo\u0308rg Weiß\nno_break,Offer,Anna\u00a0Li\n",
    )
    (told,) = warnings(exports, matching())
    assert {row[1] for row in loaded(exports, "opportunities", "source_id, owner_id")} == {"7", "8"}
    assert "4 rows spell a name otherwise" in told
    assert "'Anna Li ' for '7' (1)" in told


def test_an_id_that_is_the_name_of_another_is_told(exports: Exports) -> None:
    exports.write("people.csv", "id,name\nSam,Samuel\n9,Sam\nAnn,Ann\n")
    exports.write("deals.csv", "id,stage,owner\n1,Offer,Sam\n2,Offer,Ann\n")
    (told,) = warnings(exports, matching())
    assert loaded(exports, "opportunities", "source_id, owner_id") == [("1", "Sam"), ("2", "Ann")]
    assert "1 rows bear the id of one record that is the name of another" in told
    assert "count for the id: 'Sam' (1)" in told


def test_a_renamed_user_file_moves_the_deals_that_match_it(exports: Exports) -> None:
    exports.write("people.csv", PEOPLE)
    exports.write("deals.csv", "id,stage,owner\n1,Offer,Ann Li\n")
    exports.load(matching())
    exports.write("people.csv", PEOPLE.replace("Anna", "Ann"))
    assert exports.load(matching())["opportunities"].rows_changed == 1


def test_managers_by_name(exports: Exports) -> None:
    exports.write("people.csv", "id,name,boss\n1,Ann,\n2,Bob,Ann\n")
    users = entity(
        from_="people",
        columns={"source_id": "id", "name": "name", "manager_id": "boss"},
        match={"manager_id": "name"},
    )
    exports.load({"users": users})
    assert loaded(exports, "users", "source_id, manager_id") == [("1", None), ("2", "1")]


def test_users_are_derived_from_the_deals(exports: Exports) -> None:
    """Two spellings are one person, as most deals spell it, and that is told."""
    exports.write(
        "deals.csv",
        "id,stage,owner,team\n1,Offer,Jo\u0308rg,S\n2,Offer,Jörg,N\n3,Offer,Jörg,N\n4,Offer,,N\n5,Offer,Ann,N\n",
    )
    entities = matching() | {
        "users": entity(
            from_="deals",
            one_per="owner",
            columns={"source_id": "owner", "name": "owner", "team": "team"},
        )
    }
    told = warnings(exports, entities)
    assert loaded(exports, "users", "source_id, team") == [("Ann", "N"), ("Jörg", "N")]
    assert loaded(exports, "opportunities", "source_id, owner_id", "1")[0] == ("1", "Jörg")
    assert any(
        "'Jörg' (2 rows) and 'Jo\u0308rg' (1 rows) are taken for one" in line for line in told
    )


# Words.


def test_words_stand_for_values(exports: Exports) -> None:
    exports.write(
        "tasks.csv",
        "what,when\nAnruf,2024-01-02\ne-mail,2024-01-03\n,2024-01-04\nWhatsApp,2024-01-05\nchat,2024-01-06\n",
    )
    activities = entity(
        from_="tasks",
        columns={"type": "what", "occurred_at": "when"},
        words={"type": {"anruf": "call", "E-Mail": "email", "": "note", "WhatsApp": "message"}},
    )
    exports.load({"activities": activities})
    kinds = [row[0] for row in loaded(exports, "activities", "type", "occurred_at")]
    assert kinds == ["call", "email", "note", "message", "chat"]


# Rows without ids.


def test_rows_without_ids_are_their_key_and_its_occurrence(exports: Exports) -> None:
    deals = entity(
        from_="deals",
        key=["account_id", "created_at"],
        columns={"account_id": "who", "created_at": "day", "stage": "stage", "amount": "amount"},
    )
    exports.write(
        "deals.csv", "who,day,stage,amount\nA,2024-01-01,x,1\nA,2024-01-01,x,1\nB,2024-01-01,x,2\n"
    )
    first = exports.load({"opportunities": deals})["opportunities"]
    assert (first.rows, first.rows_new, first.rows_rejected) == (3, 3, 0)
    exports.write(
        "deals.csv", "who,day,stage,amount\nA,2024-01-01,x,1\nA,2024-01-01,y,5\nB,2024-01-01,x,2\n"
    )
    second = exports.load({"opportunities": deals})["opportunities"]
    assert (second.rows_new, second.rows_changed, second.rows_deleted) == (0, 1, 0)


# Histories.

SNAPSHOTS = """deal,modified,stage,amount,close,by
1,2024-01-05 10:00:00,Offer,100.00,2024-03-01,ann
1,2024-01-01 09:00:00,Qualified,100,2024-03-01,ann
1,2024-01-07 10:00:00,Offer,120,2024-03-01,bob
2,2024-01-02 09:00:00,Qualified,,2024-02-01,ann
"""


def snapshots(**keys: Any) -> dict[str, Any]:
    return {
        "field_changes": entity(
            from_="history",
            snapshots={
                "id": "deal",
                "at": "modified",
                "by": "by",
                "fields": {"stage": "stage", "amount": "amount", "close_date": "close"},
                **keys,
            },
        )
    }


def test_snapshots_tell_what_differs_from_the_one_before(exports: Exports) -> None:
    exports.write("history.csv", SNAPSHOTS)
    load = exports.load(snapshots())["field_changes"]
    assert (load.rows, load.rows_rejected) == (7, 0)
    told = "entity_id, field, old_value, new_value, changed_at, changed_by"
    rows = loaded(exports, "field_changes", told, "entity_id, changed_at, field")
    assert [(*r[:4], r[5]) for r in rows] == [
        ("1", "amount", None, "100", "ann"),
        ("1", "close_date", None, "2024-03-01", "ann"),
        ("1", "stage", None, "Qualified", "ann"),
        ("1", "stage", "Qualified", "Offer", "ann"),
        ("1", "amount", "100", "120", "bob"),
        ("2", "close_date", None, "2024-02-01", "ann"),
        ("2", "stage", None, "Qualified", "ann"),
    ]
    assert rows[3][4] == dt.datetime(2024, 1, 5, 10)


def test_snapshots_are_read_as_options_say(exports: Exports) -> None:
    """1.200,50 is what it was, and no change of 1200,5."""
    exports.write(
        "history.csv",
        "deal;modified;amount;close\n1;05.01.2024 10:00;1.200,50;01.03.2024\n"
        "1;06.01.2024 10:00;1200,5;01.03.2024\n1;07.01.2024 10:00;12.000,00;02.04.2024\n",
    )
    options = {"decimal": ",", "thousands": ".", "date_format": ["%d.%m.%Y %H:%M", "%d.%m.%Y"]}
    fields = {"amount": "amount", "close_date": "close"}
    exports.load(snapshots(by=None, fields=fields), options=options)
    told = "field, old_value, new_value, changed_at::date::varchar"
    assert loaded(exports, "field_changes", told, "changed_at, field") == [
        ("amount", None, "1200.5", "2024-01-05"),
        ("close_date", None, "2024-03-01", "2024-01-05"),
        ("amount", "1200.5", "12000", "2024-01-07"),
        ("close_date", "2024-03-01", "2024-04-02", "2024-01-07"),
    ]


@pytest.mark.parametrize("newest_first", [False, True])
def test_snapshots_of_one_second_follow_the_files_order(
    exports: Exports, newest_first: bool
) -> None:
    rows = ["1,2024-01-01,a", "1,2024-01-02,b", "1,2024-01-02,c", "1,2024-01-03,d"]
    lines = ["deal,modified,stage", *(reversed(rows) if newest_first else rows)]
    exports.write("history.csv", "\n".join(lines) + "\n")
    exports.load(snapshots(by=None, fields={"stage": "stage"}))
    moves = loaded(exports, "field_changes", "old_value, new_value", "changed_at, new_value")
    assert moves == [(None, "a"), ("a", "b"), ("b", "c"), ("c", "d")]


def test_a_snapshot_without_record_or_moment_is_rejected_once(exports: Exports) -> None:
    exports.write(
        "history.csv", SNAPSHOTS + ",2024-01-01,x,1,2024-01-01,a\n3,soon,x,1,2024-01-01,a\n"
    )
    assert exports.load(snapshots())["field_changes"].rows == 7
    assert [(row["source_line"], row["reason"].split(":")[0]) for row in exports.rejected()] == [
        (6, "entity_id"),
        (7, "changed_at = soon"),
    ]


def test_intervals_are_changes_from_one_to_the_next(exports: Exports) -> None:
    exports.write(
        "stays.csv",
        "deal,stage,entered,left\n1,Offer,2024-01-05,\n1,Qualified,2024-01-01,2024-01-05\n"
        "1,Offer,2024-01-09,2024-01-12\n2,Qualified,2024-01-03,2024-01-02\n",
    )
    said = {"id": "deal", "value": "stage", "from": "entered", "to": "left"}
    exports.load({"field_changes": entity(from_="stays", intervals=said)})
    moves = loaded(exports, "field_changes", "entity_id, field, old_value, new_value", "changed_at")
    assert moves == [("1", "stage", None, "Qualified"), ("1", "stage", "Qualified", "Offer")]
    (rejected,) = exports.rejected()
    assert rejected["source_line"] == 5
    assert rejected["reason"] == "left = 2024-01-02: is before entered"


OWNED = {"field": "owner_id", "id": "deal", "value": "owner", "from": "since", "to": "until"}


def test_a_value_is_emptied_where_its_interval_ends_and_none_follows(exports: Exports) -> None:
    exports.write(
        "owners.csv",
        "deal,owner,since,until\ngap,ann,2024-01-01,2024-01-05\ngap,ann,2024-02-01,\n"
        "goes_on,ann,2024-01-01,2099-12-31\n"
        "next_day,ann,2024-01-01,2024-01-05\nnext_day,bob,2024-01-06,2024-01-09\n"
        "within,ann,2024-01-01,2024-12-31\nwithin,bob,2024-03-01,2024-03-31\n"
        "by_seconds,ann,2024-01-01 10:00:00,2024-01-02 10:00:00\n"
        "by_seconds,bob,2024-01-02 10:00:30,2024-01-02 12:00:00\n"
        "by_seconds,cem,2024-01-02 12:02:00,\n",
    )
    (told,) = warnings(exports, {"field_changes": entity(from_="owners", intervals=OWNED)})
    columns = "entity_id, old_value, new_value, changed_at::varchar"
    rows = loaded(exports, "field_changes", columns, "entity_id, changed_at")
    assert [(*row[:3], row[3].removesuffix(" 00:00:00")) for row in rows] == [
        ("by_seconds", None, "ann", "2024-01-01 10:00:00"),
        ("by_seconds", "ann", "bob", "2024-01-02 10:00:30"),
        ("by_seconds", "bob", None, "2024-01-02 12:00:00"),
        ("by_seconds", None, "cem", "2024-01-02 12:02:00"),
        ("gap", None, "ann", "2024-01-01"),
        ("gap", "ann", None, "2024-01-05"),
        ("gap", None, "ann", "2024-02-01"),
        ("goes_on", None, "ann", "2024-01-01"),
        ("next_day", None, "ann", "2024-01-01"),
        ("next_day", "ann", "bob", "2024-01-06"),
        ("next_day", "bob", None, "2024-01-09"),
        ("within", None, "ann", "2024-01-01"),
        ("within", "ann", "bob", "2024-03-01"),
        ("within", "bob", None, "2024-12-31"),
    ]
    assert told == (
        "field_changes: intervals.to = 'until': 1 intervals end after the next one of their record "
        "has begun, and count until then: 'within' until 2024-12-31, next from 2024-03-01"
    )


def test_a_stage_lasts_until_the_next_one_and_gaps_are_told(exports: Exports) -> None:
    exports.write(
        "stays.csv",
        "deal,stage,entered,left\n1,Qualified,2024-01-01,2024-01-05\n1,Offer,2024-01-09,2024-02-01\n"
        "2,Qualified,2024-01-01,2024-01-05\n2,Offer,2024-01-04 10:00,\n"
        "3,Qualified,2024-01-01,2024-01-05\n3,Offer,2024-01-04,\n",
    )
    said = {"id": "deal", "value": "stage", "from": "entered", "to": "left"}
    told = warnings(exports, {"field_changes": entity(from_="stays", intervals=said)})
    assert {row[0] for row in loaded(exports, "field_changes", "new_value")} == {
        "Qualified",
        "Offer",
    }
    assert told == (
        "field_changes: intervals.to = 'left': 1 intervals end before the next one of their record "
        "begins, which is then in no stage: '1' until 2024-01-05, next from 2024-01-09",
        "field_changes: intervals.to = 'left': 1 intervals end after the next one of their record "
        "has begun, and count until then: '3' until 2024-01-05, next from 2024-01-04",
    )


def test_columns_of_stages_are_intervals_too(exports: Exports) -> None:
    exports.write(
        "deals.csv",
        "id,Date entered Offer,Date entered Qualified\n"
        "1,2024-01-05 10:00,2024-01-01 10:00\n2,,2024-01-02 10:00\n"
        "same_day,2024-01-03,2024-01-03\n",
    )
    history = entity(
        from_="deals",
        unpivot={
            "columns": {"Date entered Qualified": "Qualified", "Date entered Offer": "Offer"},
            "name": "stage",
            "value": "entered",
        },
        intervals={"id": "id", "value": "stage", "from": "entered"},
    )
    assert exports.load({"field_changes": history})["field_changes"].rows == 5
    moves = loaded(
        exports, "field_changes", "entity_id, old_value, new_value", "entity_id, changed_at, 3"
    )
    assert moves == [
        ("1", None, "Qualified"),
        ("1", "Qualified", "Offer"),
        ("2", None, "Qualified"),
        ("same_day", "Qualified", "Offer"),
        ("same_day", None, "Qualified"),
    ]


def test_several_inputs_make_one_entity(exports: Exports) -> None:
    """Each row keeps its file and line, also where the same column is of two types."""
    exports.write("calls.csv", "id,at,kind\nc1,2024-01-01 10:00,in\nc2,never,out\n")
    exports.write("mails.csv", "at,id,kind\n2024-01-02,m1,3\n2024-01-03,m2,4\nwhenever,m3,5\n")
    activities = entity(
        from_="calls",
        columns={"source_id": "id", "type": "'call'", "occurred_at": "at", "direction": "kind"},
        also=[
            entity(
                from_="mails", columns={"source_id": "id", "type": "'email'", "occurred_at": "at"}
            )
        ],
    )
    load = exports.load({"activities": activities})["activities"]
    assert (load.rows, load.rows_rejected) == (3, 2)
    assert loaded(exports, "activities", "source_id, type, source_file, direction") == [
        ("c1", "call", "calls.csv", "in"),
        ("m1", "email", "mails.csv", None),
        ("m2", "email", "mails.csv", None),
    ]
    rejected = [
        (row["source_id"], row["source_file"], row["source_line"]) for row in exports.rejected()
    ]
    assert rejected == [("c2", "calls.csv", 3), ("m3", "mails.csv", 4)]
    exports.write("mails.csv", "at,id,kind\n2024-01-02,m1,3\n")
    assert exports.load({"activities": activities}, force=True)["activities"].rows_deleted == 1


# Spend over a span, and wide sheets.


def test_spend_over_a_span_adds_up_to_the_cent(exports: Exports) -> None:
    exports.write(
        "ads.csv",
        "ad,from,to,cost,clicks\nthirds,2024-01-30,2024-02-01,100,10\none_day,2024-01-05,2024-01-05,7.77,1\n"
        "backwards,2024-01-05,2024-01-04,1,1\nundated,,2024-01-04,1,1\nno_number,2024-01-01,2024-01-02,free,1\n",
    )
    spend = entity(
        from_="ads",
        columns={"platform": "'ads'", "ad": "ad", "spend": "cost", "clicks": "clicks"},
        spread={"from": "from", "to": "to"},
    )
    exports.load({"spend_daily": spend})
    assert loaded(exports, "spend_daily", "ad, day, spend, clicks", "ad, day") == [
        ("one_day", dt.date(2024, 1, 5), Decimal("7.77"), 1),
        ("thirds", dt.date(2024, 1, 30), Decimal("33.33"), 3),
        ("thirds", dt.date(2024, 1, 31), Decimal("33.34"), 4),
        ("thirds", dt.date(2024, 2, 1), Decimal("33.33"), 3),
    ]
    reasons = {row["source_line"]: row["reason"] for row in exports.rejected()}
    assert reasons[4].endswith("to is before from")
    assert "from = : expected a date" in reasons[5]
    assert "spend = free: expected a number" in reasons[6]


@pytest.mark.parametrize(
    "months",
    [
        ["Jan 2024", "February 2024"],
        ["2024-01", "2024-02"],
        ["01/2024", "02/2024"],
        ["Jan-24", "Feb-24"],
        ["Jänner 2024", "Februar 2024"],
        ["ene. 2024", "feb. 2024"],
    ],
)
def test_a_wide_quota_sheet(exports: Exports, months: list[str]) -> None:
    exports.write("quotas.csv", f"Rep,Team,{','.join(months)}\nann,N,1000,1500.50\nbob,S,,2000\n")
    quotas = entity(
        from_="quotas",
        unpivot={"columns": months, "name": "month", "value": "target"},
        columns={
            "owner_id": "Rep",
            "period_start": "month",
            "period_grain": "'month'",
            "measure": "'revenue'",
            "amount": "target",
        },
    )
    exports.load({"quotas": quotas})
    assert loaded(exports, "quotas", "owner_id, period_start, amount", "1, 2") == [
        ("ann", dt.date(2024, 1, 1), 1000),
        ("ann", dt.date(2024, 2, 1), Decimal("1500.5")),
        ("bob", dt.date(2024, 2, 1), 2000),
    ]


@pytest.mark.parametrize(
    ("key", "names"), [("name", {"name": "Stage"}), ("value", {"value": "stage"})]
)
def test_columns_made_of_columns_hide_no_other(
    exports: Exports, key: str, names: dict[str, str]
) -> None:
    exports.write("deals.csv", "id,stage,Offer\n1,Won,2024-01-05\n")
    history = entity(
        from_="deals",
        unpivot={"columns": ["Offer"], "name": "entered", "value": "at"} | names,
        intervals={"id": "id", "value": "stage", "from": "stage"},
    )
    with pytest.raises(SourceError, match=rf"unpivot\.{key} = '[Ss]tage': there is a column of t"):
        exports.load({"field_changes": history})


# Names in histories.

NAMED = "deal,modified,rep\n1,2024-01-01,Anna Li\n1,2024-01-02,anna li\n1,2024-01-03,Jörg Weiß\n"


@pytest.mark.parametrize(
    "history",
    [
        {"snapshots": {"id": "deal", "at": "modified", "fields": {"owner_id": "rep"}}},
        {"intervals": {"field": "owner_id", "id": "deal", "value": "rep", "from": "modified"}},
    ],
)
def test_owners_in_histories_become_ids_by_name(exports: Exports, history: dict[str, Any]) -> None:
    """Before they are compared: another spelling is no change of the owner."""
    exports.write("people.csv", PEOPLE)
    exports.write("owners.csv", NAMED + "2,2024-01-01,Zoe\n2,2024-01-02,9\n")
    said = entity(from_="owners", match={"owner_id": "name"}, **history)
    (told,) = warnings(exports, {"field_changes": said, "users": matching()["users"]})
    columns = "entity_id, field, old_value, new_value"
    assert loaded(exports, "field_changes", columns, "entity_id, changed_at") == [
        ("1", "owner_id", None, "7"),
        ("1", "owner_id", "7", "8"),
        ("2", "owner_id", None, "Zoe"),
        ("2", "owner_id", "Zoe", "9"),
    ]
    assert told.startswith("field_changes: match.owner_id: 1 rows spell a name otherwise")


def test_accounts_above_and_who_changed_them_by_name(exports: Exports) -> None:
    exports.write("people.csv", PEOPLE)
    exports.write("accounts.csv", "id,name\n1,Holding\n2,Works\n")
    exports.write("owners.csv", "account,modified,group,who\n2,2024-01-01,Holding,Anna Li\n")
    said = entity(
        from_="owners",
        match={"parent_id": "name", "changed_by": "name"},
        snapshots={
            "entity": "accounts",
            "id": "account",
            "at": "modified",
            "by": "who",
            "fields": {"parent_id": "group"},
        },
    )
    accounts = entity(from_="accounts", columns={"source_id": "id", "name": "name"})
    users = matching()["users"]
    exports.load({"field_changes": said, "accounts": accounts, "users": users})
    assert loaded(exports, "field_changes", "field, new_value, changed_by") == [
        ("parent_id", "1", "7")
    ]


@pytest.mark.parametrize(
    ("match", "message"),
    [
        ({"owner_id": "nick"}, "match.owner_id = 'nick': unknown column of users"),
        ({"account_id": "name"}, "match.account_id: unknown column of field_changes"),
        ({"stage": "name"}, "match.stage = 'name': points at no record"),
    ],
)
def test_only_fields_of_a_history_that_point_at_records_are_matched(
    exports: Exports, match: dict[str, str], message: str
) -> None:
    fields = {"owner_id": "rep", "stage": "stage"}
    said = entity(
        from_="owners",
        match=match,
        snapshots={"id": "deal", "at": "modified", "fields": fields},
    )
    with pytest.raises(CompanyError) as error:
        exports.company({"field_changes": said, "users": matching()["users"]})
    assert message in str(error.value)


# What is wrong is said before anything is read, by key and remedy.


@pytest.mark.parametrize(
    ("name", "keys", "message"),
    [
        ("users", {"status": {"column": "s"}}, "users.status: goes with opp"),
        ("users", {"spread": {"from": "a", "to": "b"}}, "spread: goes with spend_daily"),
        ("users", {"snapshots": {"id": "a", "at": "b", "fields": {"stage": "c"}}}, "goes with"),
        ("users", {"match": {"manager_id": "nick"}}, "match.manager_id: not mapped; give"),
        ("users", {"match": {"name": "name"}}, "match.name = 'name': points at no record"),
        ("users", {"words": {"rolle": {"x": "rep"}}}, "words.rolle: unknown column of users"),
        ("users", {"words": {"name": {True: "x"}}}, "write the word in quotes, such as 'Yes'"),
        ("users", {"key": ["mail"]}, "users.key.0 = 'mail': not a mapped column of users"),
        ("users", {"key": ["name"]}, "users.key: 'source_id' is mapped: records have ids"),
        ("users", {"oneper": "id"}, "users.oneper = 'id': unknown key; did you mean 'one_per'?"),
        ("users", {"unpivot": {"column": ["a"]}}, "users.unpivot.column"),
    ],
)  # fmt: skip
def test_wrong_keys_are_located(
    exports: Exports, name: str, keys: dict[str, Any], message: str
) -> None:
    exports.write("people.csv", PEOPLE)
    mapping = entity(from_="people", columns={"source_id": "id", "name": "name"}, **keys)
    with pytest.raises(CompanyError) as error:
        exports.company({name: mapping})
    assert message in str(error.value)


def test_names_need_the_records_that_bear_them(exports: Exports) -> None:
    exports.write("deals.csv", "id,stage,owner\n")
    entities = {"opportunities": matching()["opportunities"]}
    with pytest.raises(
        CompanyError, match=r"the source has no users to look names up in; give entit"
    ):
        exports.company(entities)


def test_a_status_needs_the_open_stages(exports: Exports) -> None:
    exports.write("deals.csv", "id,stage,owner,status\n")
    entities = {"opportunities": status_of()["opportunities"]}
    with pytest.raises(
        CompanyError, match=r"status: give entities.pipeline_stages: the open stages"
    ):
        exports.company(entities)


def test_a_column_that_is_not_there_is_named_with_those_that_are(exports: Exports) -> None:
    exports.write("deals.csv", "id,stage,owner,status\n1,Offer,a,open\n")
    entities = status_of(column="Statos")
    with pytest.raises(
        SourceError,
        match=r"opportunities: status.column = 'Statos': no such column; did you mean 'status'",
    ):
        exports.load(entities)
