"""Every recipe of docs/connect.md, loaded on invented exports of the shape that it is for."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagster_project.publication import open_published
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.paths import PROJECT
from ingestion.pipeline import load_source
from ingestion.warehouse.warehouse import Warehouse
from tests.from_sql import publish_from_sql
from tests.ingestion.test_xlsx import write_xlsx

PAGE = PROJECT / "docs" / "connect.md"
SECTIONS = re.compile(r"^## (?P<title>.+?)\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
RECIPES = {
    section["title"]: recipe[1]
    for section in SECTIONS.finditer(PAGE.read_text(encoding="utf-8"))
    if (recipe := re.search(r"```yaml\n(name: .*?)```", section["text"], re.DOTALL))
}
WITH_SQL = {
    "Pipedrive": "activities.occurred_at",
    "Stripe": "subscriptions.mrr",
    "Salesforce, its objects": "field_changes.also.0.from",
}
"""The recipes that need SQL, and where."""


@dataclass(frozen=True)
class Exports:
    """Invented exports, how many rows of each entity they make, and some of these rows."""

    files: Mapping[str, Any]
    counts: Mapping[str, int]
    rows: Mapping[str, list[tuple[Any, ...]]]


PIPEDRIVE = Exports(
    {
        "deals.csv": """\
Deal - ID,Deal - Title,Deal - Value,Deal - Currency of Value,Deal - Owner,Deal - Organization,\
Deal - Pipeline,Deal - Stage,Deal - Status,Deal - Deal created,Deal - Update time,\
Deal - Deal closed on,Deal - Lost reason,Deal - Expected close date
11,Nordwind relaunch,12500,EUR,Ida Brandt,Nordwind AG,Sales,Negotiation,Won,\
2024-01-08 09:12:00,2024-02-19 16:40:00,2024-02-19 16:40:00,,2024-02-29
12,Südhang pilot,4000,EUR,Ida Brandt,Südhang GmbH,Sales,Demo,Lost,2024-01-15 11:00:00,\
2024-03-01 10:00:00,2024-03-01 10:00:00,Price,2024-03-15
13,Nordwind support,2400.50,EUR,"Tom Ek ",Nordwind AG,Sales,Qualified,Open,\
2024-03-04 08:30:00,2024-03-04 08:30:00,,,2024-05-31
14,A test,1,EUR,Tom Ek,,Sales,Qualified,Deleted,2024-03-05 08:30:00,2024-03-05 08:31:00,,,
15,Südhang again,900,EUR,Tom Ek,Südhang GmbH,Sales,Demo,Open,2024-03-06 08:30:00,\
2024-03-06 08:31:00,,,2024-06-30
""",
        "activities.csv": """\
Activity - ID,Activity - Type,Activity - Done,Activity - Add time,Activity - Due date,\
Activity - Marked as done time,Activity - Assigned to user,Activity - Deal ID
901,Call,Done,2024-01-08 09:00:00,2024-01-09,2024-01-09 10:00:00,Ida Brandt,11
902,WhatsApp,Done,2024-01-10 10:00:00,,2024-01-10 10:00:00,Tom Ek,13
903,Meeting,To do,2024-01-10 10:05:00,2024-01-17,,Tom Ek,13
""",
    },
    {"users": 2, "accounts": 2, "pipeline_stages": 5, "opportunities": 5, "activities": 3},
    {
        "select source_id, owner_id, stage, last_open_stage, is_deleted from opportunities": [
            ("11", "Ida Brandt", "Won", "Negotiation", False),
            ("12", "Ida Brandt", "Lost", "Demo", False),
            ("13", "Tom Ek", "Qualified", None, False),
            ("14", "Tom Ek", "Qualified", None, True),
            ("15", "Tom Ek", "Demo", None, False),
        ],
        "select closed_at, close_date from opportunities where source_id = '11'": [
            (dt.datetime(2024, 2, 19, 15, 40), dt.date(2024, 2, 29))
        ],
        "select source_id, type, owner_id from activities": [
            ("901", "call", "Ida Brandt"),
            ("902", "message", "Tom Ek"),
            ("903", "meeting", "Tom Ek"),
        ],
        "select occurred_at, due_at from activities where not is_done": [
            (dt.datetime(2024, 1, 10, 9, 5), dt.datetime(2024, 1, 16, 23, 0))
        ],
    },
)

HUBSPOT = Exports(
    {
        "deals.csv": """\
Record ID,Deal Name,Deal Stage,Amount,Close Date,Create Date,Deal owner,Deal Type,\
Closed Lost Reason,Associated Company IDs (Primary),Date entered Appointment Scheduled,\
Date entered Contract Sent,Date entered Closed Won,Date entered Closed Lost
501,Bakery rollout,Closed Won,8000,2024-02-20 17:05,2024-01-10 09:00,Mia Stone,New Business,,71,\
2024-01-10 09:00,2024-02-01 12:00,2024-02-20 17:05,
502,Bakery ovens,Contract Sent,3500.00,2024-06-30 23:59,2024-03-01 10:00,Leo Park,\
Existing Business,,71,,2024-03-01 10:00,,
503,Florist trial,Closed Lost,,2024-03-05 09:00,2024-02-01 10:00,Mia Stone,,Budget,72,\
2024-02-01 10:00,,,2024-03-05 09:00
""",
        "companies.csv": """\
Record ID,Company name,Company Domain Name,Industry
71,Golden Crust,crust.example,FOOD
72,Petal & Stem,petal.example,RETAIL
""",
    },
    {"users": 2, "accounts": 2, "opportunities": 3, "field_changes": 6},
    {
        "select source_id, account_id, deal_type, amount from opportunities": [
            ("501", "71", "new", 8000),
            ("502", "71", "expansion", 3500),
            ("503", "72", None, None),
        ],
        "select old_value, new_value, changed_at from field_changes where entity_id = '501' "
        "order by changed_at": [
            (None, "Appointment Scheduled", dt.datetime(2024, 1, 10, 14)),
            ("Appointment Scheduled", "Contract Sent", dt.datetime(2024, 2, 1, 17)),
            ("Contract Sent", "Closed Won", dt.datetime(2024, 2, 20, 22, 5)),
        ],
    },
)

ZOHO = Exports(
    {
        "deals.csv": """\
Record Id,Deal Owner.id,Deal Owner,Deal Name,Account Name.id,Account Name,Amount,Stage,Type,\
Closing Date,Lead Source,Reason For Loss,Created Time,Modified Time
zcrm_9001,zcrm_31,Asha Rao,Mill upgrade,zcrm_51,Deccan Mills,250000,Closed Won,New Business,\
2024-03-14,Trade Show,,2024-01-05 10:00:00,2024-03-14 18:22:10
zcrm_9002,zcrm_32,Vik Nair,Pump service,zcrm_52,Kaveri Pumps,40000,Qualification,-None-,\
2024-06-30,,,2024-02-11 09:30:00,2024-02-11 09:30:00
""",
        "stage_history.csv": """\
Deal Name.id,Stage,Amount,Probability (%),Closing Date,Modified Time,Modified By.id
zcrm_9001,Closed Won,250000,100,2024-03-14,2024-03-14 18:22:10,zcrm_31
zcrm_9001,Proposal/Price Quote,250000,75,2024-03-31,2024-02-20 12:00:00,zcrm_31
zcrm_9001,Proposal/Price Quote,200000,75,2024-03-31,2024-02-01 12:00:00,zcrm_32
zcrm_9001,Qualification,200000,10,2024-02-28,2024-01-05 10:00:00,zcrm_31
zcrm_9002,Qualification,40000,10,2024-06-30,2024-02-11 09:30:00,zcrm_32
""",
    },
    {"users": 2, "accounts": 2, "opportunities": 2, "field_changes": 11},
    {
        "select name from users": [("Asha Rao",), ("Vik Nair",)],
        "select field, new_value, changed_by from field_changes where entity_id = 'zcrm_9001' "
        "and old_value is not null order by changed_at, field": [
            ("close_date", "2024-03-31", "zcrm_32"),
            ("stage", "Proposal/Price Quote", "zcrm_32"),
            ("amount", "250000", "zcrm_31"),
            ("close_date", "2024-03-14", "zcrm_31"),
            ("stage", "Closed Won", "zcrm_31"),
        ],
        "select source_id, deal_type, created_at from opportunities": [
            ("zcrm_9001", "new", dt.datetime(2024, 1, 5, 4, 30)),
            ("zcrm_9002", None, dt.datetime(2024, 2, 11, 4)),
        ],
    },
)

OBJECTS = Exports(
    {
        "User.csv": "Id,Name,Email,ManagerId,IsActive\n005A,Ruth Ames,r@x.example,005B,1\n"
        "005B,Ken Ode,k@x.example,,true\n",
        "Account.csv": "Id,Name,Industry,OwnerId\n001A,Harbor Freightways,Transport,005A\n",
        "Opportunity.csv": """\
Id,Name,AccountId,OwnerId,StageName,Amount,CloseDate,CreatedDate,Type,LeadSource,\
ForecastCategoryName,Probability,SystemModstamp,IsDeleted
006A,Fleet tracking,001A,005B,Negotiation/Review,90000,2024-06-28,2024-02-01T15:00:00.000Z,\
New Customer,Web,Most Likely,90,2024-03-02T11:00:00.000Z,false
006B,Cranes,001A,005A,Closed Lost,15000,2024-03-03,2024-02-02T15:00:00.000Z,\
Existing Customer - Upgrade,,Omitted,0,2024-03-03T11:00:00.000Z,false
""",
        "OpportunityHistory.csv": """\
Id,OpportunityId,CreatedById,CreatedDate,StageName,Amount,CloseDate,Probability
008A,006A,005A,2024-02-01T15:00:00.000Z,Prospecting,80000,2024-05-31,10
008B,006A,005A,2024-03-01T15:00:00.000Z,Negotiation/Review,80000,2024-05-31,90
008C,006A,005B,2024-03-02T11:00:00.000Z,Negotiation/Review,90000,2024-06-28,90
""",
        "OpportunityFieldHistory.csv": """\
Id,OpportunityId,CreatedById,CreatedDate,Field,DataType,OldValue,NewValue
017A,006A,005B,2024-03-02T10:00:00.000Z,Owner,Text,Ruth Ames,Ken Ode
017B,006A,005B,2024-03-02T10:00:00.000Z,Owner,EntityId,005A,005B
017C,006A,005B,2024-03-02T11:00:00.000Z,Amount,Currency,80000,90000
""",
    },
    {"users": 2, "accounts": 1, "opportunities": 2, "field_changes": 9},
    {
        "select field, old_value, new_value from field_changes where old_value is not null "
        "order by changed_at, field": [
            ("probability", "0.1", "0.9"),
            ("stage", "Prospecting", "Negotiation/Review"),
            ("owner_id", "005A", "005B"),
            ("amount", "80000", "90000"),
            ("close_date", "2024-05-31", "2024-06-28"),
        ],
        "select source_id, forecast_category, deal_type, probability from opportunities": [
            ("006A", "most_likely", "new", 0.9),
            ("006B", "omitted", "expansion", 0),
        ],
    },
)

REPORT = Exports(
    {
        "report.csv": """\
"Opportunity ID","Opportunity Name","Opportunity Owner","Account Name","Stage",\
"Amount (converted) Currency","Amount (converted)","Probability (%)","Close Date","Created Date",\
"Type","Lead Source"
"006X1","Route planner","Ruth Ames","Harbor","Closed Won","USD","90000.00","100","3/15/2024",\
"1/31/2024","New Business","Web"
"006X2","Dock gates","Ken Ode","Harbor","Prospecting","USD","1500.00","10","12/1/2024",\
"2/5/2024","Existing Business",""
""",
    },
    {"users": 2, "accounts": 1, "opportunities": 2},
    {
        "select source_id, close_date, owner_id, deal_type, probability from opportunities": [
            ("006X1", dt.date(2024, 3, 15), "Ruth Ames", "new", 1),
            ("006X2", dt.date(2024, 12, 1), "Ken Ode", "expansion", 0.1),
        ]
    },
)

BITRIX = Exports(
    {
        "deals.csv": """\
"ID";"Deal name";"Stage";"Pipeline";"Total";"Currency";"Responsible person";"Company: Name";\
"Created on";"Modified on";"Expected close date";"Source"
"71";"Windows, hall 2";"Quote sent";"General";"12400.00";"EUR";"Olga Weiss";"Halle Ost";\
"05.03.2024 14:22:10";"06.03.2024 09:00:00";"30.06.2024";"Call"
"72";"Doors";"Deal won";"General";"3100.50";"EUR";"Max Kern";"Halle Ost";\
"12.01.2024 08:00:00";"01.02.2024 12:00:00";"01.02.2024";""
""",
        "activities.csv": """\
"ID";"Type";"Direction";"Completed on";"Responsible person";"Deal ID"
"1";"Outgoing call";"Outgoing";"06.03.2024 08:55:00";"Olga Weiss";"71"
"2";"Open Channel conversation";"Incoming";"05.03.2024 15:00:00";"Olga Weiss";"71"
""",
    },
    {"users": 2, "accounts": 1, "opportunities": 2, "activities": 2},
    {
        "select created_at, close_date, amount from opportunities where source_id = '71'": [
            (dt.datetime(2024, 3, 5, 13, 22, 10), dt.date(2024, 6, 30), 12400)
        ],
        "select source_id, type, direction from activities": [
            ("1", "call", "out"),
            ("2", "chat", "in"),
        ],
    },
)

_MONDAY_HEADER = [
    "Name",
    "Owner",
    "Deal Stage",
    "Deal Value",
    "Deal creation date",
    "Expected Close Date",
    "Close Date",
    "Item ID (auto generated)",
]
MONDAY = Exports(
    {
        "deals.xlsx": [
            ["Deals"],
            ["Active deals"],
            _MONDAY_HEADER,
            [
                "Solar roof",
                "Ana Cruz",
                "Proposal",
                18500,
                "2024-02-01",
                "2024-06-30",
                None,
                1,
            ],
            ["Heat pump", "Ana Cruz", None, 9000, "2024-03-01", "2024-07-31", None, 2],
            [None],
            ["Closed deals"],
            _MONDAY_HEADER,
            [
                "Wallbox",
                "Jo Lind",
                "Won",
                1200.5,
                "2024-01-05",
                "2024-02-28",
                "2024-02-20",
                3,
            ],
        ]
    },
    {"users": 2, "opportunities": 3},
    {
        "select source_id, stage, amount, closed_at from opportunities": [
            ("1", "Proposal", 18500, None),
            ("2", "New", 9000, None),
            ("3", "Won", 1200.5, dt.datetime(2024, 2, 20, 8)),
        ]
    },
)

STRIPE = Exports(
    {
        "customers.csv": "id,Description,Email,Name,Created (UTC),Delinquent\n"
        "cus_1,,a@x.example,Anker Ltd,2024-01-02 03:04,false\n",
        "subscriptions.csv": """\
id,Customer ID,Customer Email,Plan,Quantity,Currency,Interval,Amount,Status,Created (UTC),\
Start Date (UTC),Current Period End (UTC),Canceled At (UTC),Ended At (UTC)
sub_1,cus_1,a@x.example,price_y,1,usd,year,1200.00,active,2024-01-02 03:04,2024-01-02 03:04,\
2025-01-02 03:04,,
sub_2,cus_1,a@x.example,price_m,1,usd,month,30.00,canceled,2024-02-01 00:10,2024-02-01 00:10,\
2024-03-01 00:10,2024-02-20 10:00,2024-03-01 00:10
""",
        "invoices.csv": """\
id,Customer,Status,Date (UTC),Due Date (UTC),Paid At (UTC),Total,Tax,Amount Paid,Currency
in_1,cus_1,paid,2024-01-02 03:04,,2024-01-02 03:05,1200.00,0.00,1200.00,usd
""",
    },
    {"customers": 1, "subscriptions": 2, "invoices": 1},
    {
        "select source_id, mrr, ended_at from subscriptions": [
            ("sub_1", 100, None),
            ("sub_2", 30, dt.datetime(2024, 3, 1, 0, 10)),
        ]
    },
)

SPANISH = Exports(
    {
        "oportunidades.csv": """\
Oportunidad;Cliente;Comercial;Delegación;Etapa;Estado;Importe;Fecha de alta;Cierre previsto;\
Fecha de cierre;Motivo de pérdida
Reforma;Hotel Mar;Núria Pons;Este;Oferta;Ganada;12.500,50;08/01/2024;29/02/2024;19/02/2024;
Reforma;Hotel Mar;Núria Pons;Este;Oferta;Perdida;1.000,00;08/01/2024;31/03/2024;15/03/2024;Precio
Toldos;Bar Sol;Luis Gil;Sur;Contacto;Abierta;850,00;04/03/2024;30/06/2024;;
""",
        "objetivos.csv": "Comercial;ene 2024;feb 2024;mar 2024\nNúria Pons;10.000,00;12.000,00;\n"
        "Luis  gil;5.000,00;5.000,00;5.000,00\n",
    },
    {"users": 2, "accounts": 2, "opportunities": 3, "quotas": 5},
    {
        "select stage, last_open_stage, amount, close_date from opportunities order by amount": [
            ("Contacto", None, 850, dt.date(2024, 6, 30)),
            ("Lost", "Oferta", 1000, dt.date(2024, 3, 31)),
            ("Won", "Oferta", 12500.5, dt.date(2024, 2, 29)),
        ],
        "select owner_id, sum(amount) as total from quotas group by owner_id order by owner_id": [
            ("Luis Gil", 15000),
            ("Núria Pons", 22000),
        ],
    },
)

ADS = Exports(
    {
        "campaigns.csv": "Campaign ID,Reporting starts,Reporting ends,Amount spent (USD),"
        "Impressions,Link clicks\nc1,2024-01-29,2024-02-04,100.00,7001,15\n",
    },
    {"spend_daily": 7},
    {
        "select date_trunc('month', day)::date as month, sum(spend) as spend, "
        "sum(impressions)::bigint as shown from spend_daily group by 1 order by 1": [
            (dt.date(2024, 1, 1), 42.86, 3000),
            (dt.date(2024, 2, 1), 57.14, 4001),
        ]
    },
)

SHAPES = {
    "Pipedrive": PIPEDRIVE,
    "HubSpot, as CSV": HUBSPOT,
    "Zoho CRM": ZOHO,
    "Salesforce, its objects": OBJECTS,
    "Salesforce, a report": REPORT,
    "Bitrix24": BITRIX,
    "monday.com": MONDAY,
    "Stripe": STRIPE,
    "A Spanish CRM": SPANISH,
    "Spend over several days": ADS,
}


def connect(title: str, folder: Path) -> Company:
    """The company of a recipe, beside its invented exports."""
    exports = folder / "exports"
    exports.mkdir()
    for name, content in SHAPES[title].files.items():
        if name.endswith(".xlsx"):
            write_xlsx(exports / name, {"deals": content})
        else:
            (exports / name).write_text(content, encoding="utf-8")
    path = folder / "company.yml"
    path.write_text(RECIPES[title], encoding="utf-8")
    return load_company(path)


def test_every_recipe_is_tried() -> None:
    assert SHAPES.keys() == RECIPES.keys()


@pytest.mark.parametrize("title", SHAPES)
def test_a_recipe_loads_exports_of_its_shape(
    title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    company = connect(title, tmp_path)
    report = load_source(company, company.sources[0])
    counts = {table.entity: table.rows for table in report.tables}
    shape = SHAPES[title]
    assert {name: counts[name] for name in shape.counts} == shape.counts
    assert all(table.rows_rejected == 0 for table in report.tables)
    warehouse = Warehouse.of(company)
    for sql, expected in shape.rows.items():
        ordered = sql if "order by" in sql else f"{sql} order by 1"
        raw = re.sub(r"\bfrom (\w+)", r"from raw_files.\1", ordered, count=1)
        rows = [tuple(row.values()) for row in warehouse.read(raw).to_pylist()]
        assert [tuple(map(_plain, row)) for row in rows] == [
            tuple(map(_plain, row)) for row in expected
        ]


def test_a_recipe_runs_from_exports_to_marts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Won and lost deals are seen in the stage that they were left in, since when nobody knows."""
    data = tmp_path / "data"
    monkeypatch.setenv("SALESOPS_DATA", str(data))
    company = connect("Pipedrive", tmp_path)
    report = load_source(company, company.sources[0])
    assert any("'Tom Ek ' for 'Tom Ek' (1)" in told for told in report.warnings)
    published = publish_from_sql(company.path, data)
    with open_published(published.folder / "published" / "salesops.duckdb") as connection:
        stays = connection.execute("""
            select opportunity_id, stage, ended_as, is_entry_known
            from marts.fct_stage_visits where ended_as <> 'deleted'
            order by opportunity_id, position
        """).fetchall()
        won = connection.execute("""
            select owner_id, sum(amount), count(*) from marts.fct_opportunities
            where is_won group by owner_id
        """).fetchall()
    assert stays == [
        ("11", "Negotiation", "won", False),
        ("12", "Demo", "lost", False),
        ("13", "Qualified", "open", False),
        ("15", "Demo", "open", False),
    ]
    assert won == [("Ida Brandt", 12500, 1)]


def test_most_recipes_need_no_sql() -> None:
    """A column by its name, a constant in quotes, a file by its name: nothing else."""
    is_sql = re.compile(r"^(select|with|case)\b|[|*]|::| / |\b\w+\((?!UTC)", re.IGNORECASE)
    found = {title: [*_expressions(yaml.safe_load(text))] for title, text in RECIPES.items()}
    with_sql = {
        title: [key for key, value in expressions if is_sql.search(value)]
        for title, expressions in found.items()
    }
    assert {title: keys[0] for title, keys in with_sql.items() if keys} == WITH_SQL
    assert all(len(keys) <= 1 for keys in with_sql.values())


def _expressions(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What stands where SQL could, by its key."""
    return [
        (f"{name}{inner}", value)
        for source in document["sources"]
        for name, mapping in source["entities"].items()
        for key, said in [
            ("", mapping),
            *((f".also.{n}", a) for n, a in enumerate(mapping.get("also", ()))),
        ]
        for inner, value in [
            (f"{key}.from", said.get("from", "")),
            *((f"{key}.{column}", str(text)) for column, text in said.get("columns", {}).items()),
        ]
    ]


def _plain(value: object) -> object:
    """Numbers as such, whatever their type."""
    return float(value) if isinstance(value, int | float) or hasattr(value, "quantize") else value  # type: ignore[arg-type]
