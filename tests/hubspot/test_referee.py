"""The vendor's own SDK reads the sandbox, and gets the records that the connector loads."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hubspot import HubSpot
from hubspot.crm.associations.v4 import BatchInputPublicFetchAssociationsBatchRequest
from hubspot.crm.deals import (
    ApiException,
    BatchReadInputSimplePublicObjectId,
    PublicObjectSearchRequest,
)
from hubspot.utils.objects import fetch_all
from portals import TOKEN, Portal

from ingestion.sources.hubspot.objects import LINK_COLUMNS, OBJECTS, CrmObject
from tests.sandbox.traps import upset


@pytest.fixture
def sdk(portal: Portal) -> HubSpot:
    return HubSpot(access_token=TOKEN, host=portal.url)


def records(sdk: HubSpot, crm_object: CrmObject, archived: bool) -> list[Any]:
    """All records of an object, with the properties that the connector asks for."""
    wanted = [known.name for known in crm_object.properties]
    api = sdk.crm.objects.basic_api
    return fetch_all(api, object_type=crm_object.name, properties=wanted, archived=archived)


def as_stored(value: str | None, type_: str) -> object:
    """A property's text as the raw column of this type holds it."""
    if value is None:
        return None
    if type_ in ("money", "number"):
        return Decimal(value)
    if type_ == "integer":
        return int(value)
    if type_ == "date":
        return dt.date.fromisoformat(value)
    if type_ == "timestamp":
        return dt.datetime.fromisoformat(value).replace(tzinfo=None)
    return value


def test_sdk_and_connector_read_the_same_records(portal: Portal, sdk: HubSpot) -> None:
    portal.sync()
    for name, crm_object in OBJECTS.items():
        loaded = {row["source_id"]: row for row in portal.versions(name)}
        read = {
            record.id: (record, archived)
            for archived in (False, True)
            for record in records(sdk, crm_object, archived)
        }
        assert loaded.keys() == read.keys(), name
        for record_id, (record, archived) in read.items():
            row = loaded[record_id]
            assert row["is_deleted"] == archived
            for known in crm_object.properties:
                value = record.properties.get(known.name)
                assert row[known.name] == as_stored(value, known.type), (name, known.name)


def test_sdk_and_connector_read_the_same_history(portal: Portal, sdk: HubSpot) -> None:
    portal.sync()
    history = list(OBJECTS["deals"].history)
    deals = [
        deal
        for archived in (False, True)
        for deal in fetch_all(
            sdk.crm.deals.basic_api, properties_with_history=history, archived=archived
        )
    ]
    assert any(deal.archived for deal in deals)
    read = {
        (deal.id, name, change.timestamp.replace(tzinfo=None), change.value)
        for deal in deals
        for name, changes in deal.properties_with_history.items()
        for change in changes
    }
    loaded = {
        (row["object_id"], row["property"], row["changed_at"], row["value"])
        for row in portal.versions("property_history")
    }
    assert loaded == read


def test_the_newest_value_of_a_history_is_the_propertys_value(sdk: HubSpot) -> None:
    history = ["dealstage", "amount", "closedate", "hubspot_owner_id", "deal_currency_code"]
    deals = sdk.crm.deals.get_all(properties=history, properties_with_history=history)
    for deal in deals:
        for name, changes in deal.properties_with_history.items():
            newest = changes[0].value if changes else None
            assert (newest or None) == deal.properties[name], (deal.id, name)


def test_sdk_and_connector_read_the_same_associations(portal: Portal, sdk: HubSpot) -> None:
    portal.sync()
    kinds = Counter[str]()
    for name, crm_object in OBJECTS.items():
        rows = portal.versions(name)
        for to_object in crm_object.links:
            read = associations(sdk, name, to_object, [str(row["source_id"]) for row in rows])
            kinds[to_object] += len(read)
            for row in rows:
                labels = read.get(row["source_id"], {})
                assert row[LINK_COLUMNS[to_object]] == nearest(labels), (name, to_object)
                if len(labels) > 1:
                    kinds["several"] += 1
                    listed = json.loads(str(row["associations"]))
                    told = {x["id"]: x["labels"] for x in listed if x["object"] == to_object}
                    assert told == labels
    assert all(kinds[kind] for kind in (*LINK_COLUMNS, "several"))


def associations(
    sdk: HubSpot, name: str, to_object: str, ids: list[str]
) -> dict[str, dict[str, list[str]]]:
    """Labels by associated record by record, as the SDK reads them."""
    return {
        found._from.id: {
            str(to.to_object_id): [kind.label for kind in to.association_types if kind.label]
            for to in found.to
        }
        for start in range(0, len(ids), 1_000)
        for found in sdk.crm.associations.v4.batch_api.get_page(
            name,
            to_object,
            BatchInputPublicFetchAssociationsBatchRequest(
                [{"id": record_id} for record_id in ids[start : start + 1_000]]
            ),
        ).results
    }


def nearest(labels: dict[str, list[str]]) -> str | None:
    """The primary record, else the oldest one."""
    primary = [to for to, held in labels.items() if any(x.startswith("Primary") for x in held)]
    return min(primary or labels, key=int, default=None)


def test_sdk_and_connector_read_the_same_owners_and_teams(portal: Portal, sdk: HubSpot) -> None:
    portal.sync()
    read = {
        owner.id: (owner.email, owner.first_name, owner.last_name, archived, owner.teams[0].name)
        for archived in (False, True)
        for owner in sdk.crm.owners.get_all(archived=archived)
    }
    columns = ("email", "first_name", "last_name", "is_archived", "team")
    loaded = {
        row["source_id"]: tuple(row[name] for name in columns) for row in portal.versions("owners")
    }
    assert loaded == read
    teams = sdk.settings.users.teams_api.get_all().results
    assert {team.id: team.name for team in teams} == {
        row["source_id"]: row["name"] for row in portal.versions("teams")
    }


@pytest.mark.parametrize("name", ["deals", "leads"])
def test_sdk_and_connector_read_the_same_pipelines(portal: Portal, sdk: HubSpot, name: str) -> None:
    portal.sync(f"objects: [{name}]")
    read = {
        (
            pipeline.id, pipeline.label, pipeline.display_order, stage.id, stage.label,
            stage.display_order, stage.metadata["isClosed"] == "true",
            number(stage.metadata.get("probability")),
        )
        for pipeline in sdk.crm.pipelines.pipelines_api.get_all(name).results
        for stage in pipeline.stages
    }  # fmt: skip
    columns = (
        "pipeline_id", "pipeline", "pipeline_order", "stage_id", "label", "display_order",
        "is_closed",
    )  # fmt: skip
    loaded = {
        (*(row[column] for column in columns), number(row["probability"]))
        for row in portal.versions("stages")
    }
    assert loaded == read


def number(value: Any) -> float | None:
    """A number that may be missing."""
    return None if value is None else float(value)


def test_merged_deals_name_each_other_as_the_sdk_reads_them(portal: Portal, sdk: HubSpot) -> None:
    upset(portal.world)
    portal.change(portal.world)
    portal.sync()
    archived = {deal.id for deal in sdk.crm.deals.get_all(archived=True)}
    read = {
        merged: deal.id
        for deal in sdk.crm.deals.get_all(properties=["hs_merged_object_ids"])
        for merged in (deal.properties["hs_merged_object_ids"] or "").split(";")
        if merged
    }
    assert len(read) >= 2
    rows = {row["source_id"]: row for row in portal.versions("deals")}
    for merged, into in read.items():
        assert merged in archived
        assert rows[merged]["is_deleted"]
        assert merged in str(rows[into]["hs_merged_object_ids"]).split(";")


def test_sdk_reads_the_properties_that_the_connector_asks_for(sdk: HubSpot) -> None:
    for name, crm_object in OBJECTS.items():
        read = {found.name for found in sdk.crm.properties.core_api.get_all(name).results}
        assert {known.name for known in crm_object.properties} <= read, name


def test_sdk_searches_and_reads_in_batches(portal: Portal, sdk: HubSpot) -> None:
    some = sdk.crm.deals.get_all()[:3]
    found = sdk.crm.deals.search_api.do_search(
        PublicObjectSearchRequest(
            filter_groups=[
                {"filters": [{"propertyName": "hs_object_id", "operator": "IN",
                              "values": [deal.id for deal in some]}]}
            ],
            sorts=["hs_object_id"], properties=["dealname"], limit=2,
        )
    )  # fmt: skip
    assert found.total == 3
    assert [deal.id for deal in found.results] == [deal.id for deal in some][:2]
    assert found.paging.next.after == "2"
    batch = sdk.crm.deals.batch_api.read(
        BatchReadInputSimplePublicObjectId(
            inputs=[{"id": some[0].id}, {"id": "1"}], properties=["dealname"],
            properties_with_history=["dealstage"],
        )
    )  # fmt: skip
    assert [deal.id for deal in batch.results] == [some[0].id]
    assert batch.num_errors == 1


def test_sdk_is_told_what_is_wrong(portal: Portal, sdk: HubSpot) -> None:
    with pytest.raises(ApiException) as beyond:
        sdk.crm.deals.search_api.do_search(
            PublicObjectSearchRequest(
                filter_groups=[], sorts=[], properties=[], limit=200, after="9900"
            )
        )
    assert beyond.value.status == 400
    assert "10000" in beyond.value.body
    stranger = HubSpot(access_token="pat-wrong", host=portal.url)
    with pytest.raises(ApiException) as unknown:
        stranger.crm.deals.basic_api.get_page()
    assert unknown.value.status == 401
