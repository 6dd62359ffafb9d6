"""Writes docs/tour.md: one deal, from the API's answer to a win rate. `make tour`."""

from __future__ import annotations

import json
import os
import tempfile
import urllib.request
from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

import duckdb

from dagster_project.run.clock import now
from ingestion.paths import PROJECT
from ingestion.sandbox.world import World
from tests.compiled_models import CompiledModels
from tests.docs.tables import columns, table
from tests.sandbox.simulated_company import TOKEN, ServedCompany, served

PAGE = PROJECT / "docs" / "tour.md"
SEED, SCALE, DAYS = 7, 0.02, 200
"""The company of the tour, and its age."""
MODELS = ("kpi_values", "fct_stage_visits")
PROPERTIES = "dealname,dealstage,amount,hubspot_owner_id,createdate,closedate"
DEAL = """
    select opportunity_id
    from marts.fct_opportunities
    where is_won
        and amount is not null
        and opportunity_key in (
            select opportunity_key
            from marts.fct_stage_visits
            where not is_skipped
            group by opportunity_key
            having count(*) >= 5
        )
    order by closed_at desc, opportunity_id
    limit 1
"""
"""The last deal that was won with an amount and has visited several stages."""

Row = Mapping[str, Any]


def tour() -> str:
    """The page, of a company that is founded, served, loaded and built for it."""
    world = World.found(SEED, SCALE)
    world.advance(DAYS)
    with (
        tempfile.TemporaryDirectory() as data,
        patch.dict(os.environ, {"SALESOPS_DATA": data}),
        served(world) as company,
    ):
        company.load()
        settings = company.company
        assert settings.as_of
        models = CompiledModels.of(settings)
        models.build(settings.moment(settings.as_of), now(), MODELS)
        with duckdb.connect(company.warehouse, read_only=True) as warehouse:
            return _page(company, warehouse, models.statements["model.salesops.win_rate"])


def _page(company: ServedCompany, warehouse: duckdb.DuckDBPyConnection, compiled: str) -> str:
    def rows(sql: str, **values: Any) -> list[Row]:
        found = warehouse.execute(sql, values or None)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    deal = rows(DEAL)[0]["opportunity_id"]
    [record] = rows(f"select {PROPERTIES} from raw_hubspot.deals where source_id = $id", id=deal)
    history = rows(
        """select value, changed_at, source_type from raw_hubspot.property_history
        where object = 'deals' and object_id = $id and property = 'dealstage'
        order by changed_at""",
        id=deal,
    )
    [staged] = rows(
        """select
            source_system, source_instance, source_id, name, owner_id, pipeline, stage, amount,
            currency, created_at, closed_at, deal_type
        from staging.stg_hubspot__opportunities where source_id = $id""",
        id=deal,
    )
    changes = rows(
        """select entity, field, old_value, new_value, changed_at
        from intermediate.int_field_changes__unioned
        where entity = 'opportunities' and entity_id = $id and field = 'stage'
        order by changed_at""",
        id=deal,
    )
    [fact] = rows(
        """select
            opportunity_id, rep_id, rep_name, team, stage, status, amount_native, currency,
            fx_rate, amount, created_on, closed_on, region, segment
        from marts.fct_opportunities where opportunity_id = $id""",
        id=deal,
    )
    visits = rows(
        """select stage, status, entered_at, exited_at, ended_as, days
        from marts.fct_stage_visits where opportunity_id = $id and not is_skipped
        order by position""",
        id=deal,
    )
    [member] = rows(
        """select
            metric, variant, entity, entity_id, period_on, company, rep, team, region,
            numerator, denominator, exclusion_reason
        from marts.kpi_members
        where metric = 'win_rate' and variant = 'default' and entity_id = $id""",
        id=deal,
    )
    cells = rows(
        """select
            period_grain, period_start, dimension, dimension_label, numerator, denominator,
            value, n_included, n_excluded
        from marts.kpi_values
        where metric = 'win_rate' and variant = 'default' and period_grain = 'month'
            and period_start = date_trunc('month', cast($day as date))
            and (dimension = 'company' or (dimension = 'rep' and dimension_key = $rep))
        order by dimension""",
        day=member["period_on"],
        rep=member["rep"],
    )
    return f"""\
# A tour: one deal, from the API to a win rate

Written by `make tour` from a simulated company of {DAYS} days; do not edit. Every value below was
read from that company: the answer over HTTP, the rows from its warehouse, the SQL as dbt has
compiled it.

## 1. The API

The connector lists deals with the properties that it knows, and the history of some of them.
`GET /crm/v3/objects/deals/{deal}?propertiesWithHistory=dealstage` answers (its history shortened):

```json
{_answer(company, deal)}
```

## 2. Raw

`raw_hubspot.deals` has a row per version of the record, with the load that brought it. Nothing is
ever changed there.

{columns(record)}

`raw_hubspot.property_history` has what the deal's stage was before:

{table(history)}

## 3. Staging

`stg_hubspot__opportunities` is the latest version that is known, in the words of the contract: the
stage by its name, moments in UTC, the source beside the id.

{columns(staged)}

## 4. Contract

`int_opportunities__unioned` puts the sources together; from here on nothing knows of HubSpot. The
history is an entity, too, `int_field_changes__unioned`:

{table(changes)}

## 5. Deals

`int_opportunity_closings` decides when the deal closed ([how](decisions/0003-closing.md)), who is
credited follows from the history ([whom](decisions/0005-credit.md)), and `fct_opportunities` has
the deal as of the run's moment, in the company's currency:

{columns(fact)}

## 6. Stage visits

`fct_stage_visits`, made of the same history:

{table(visits)}

## 7. Member

[win_rate.sql](../dbt/models/kpis/outcome/win_rate.sql) says what the deal adds to the metric. Its
first variant, compiled:

```sql
{compiled.partition(" as ")[2].partition("union all")[0].strip()}
```

In `kpi_members`, which has all metrics, the deal is one row:

{columns(member)}

## 8. The number

`kpi_values` adds the members up by month and dimension. In the month of its closing the deal is
one of {cells[0]["n_included"]} closed by the company, and of {cells[1]["n_included"]} by its rep:

{table(cells)}

In a run the audit then looks at it (a share lies between 0 and 1, the value is numerator /
denominator), and only after that is it in `published/salesops.duckdb`.
"""


def _answer(company: ServedCompany, deal: str) -> str:
    """What the API says of a deal."""
    query = f"properties={PROPERTIES}&propertiesWithHistory=dealstage"
    request = urllib.request.Request(
        f"{company.places['hubspot'].url}/crm/v3/objects/deals/{deal}?{query}",
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    with urllib.request.urlopen(request) as answer:
        record = json.load(answer)
    for changes in record["propertiesWithHistory"].values():
        del changes[2:]
    return json.dumps(record, indent=2, ensure_ascii=False)


if __name__ == "__main__":
    PAGE.write_text(tour(), encoding="utf-8")
