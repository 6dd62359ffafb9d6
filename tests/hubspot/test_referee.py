"""The vendor's own SDK reads the sandbox, and gets the records that the connector loads."""

from __future__ import annotations

import datetime as dt
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
    deals = sdk.crm.deals.get_all(properties_with_history=history)
    read = {
        (deal.id, name, change.timestamp.replace(tzinfo=None), change.value)
        for deal in deals
        for name, changes in deal.properties_with_history.items()
        for change in changes
    }
    live = {row["source_id"] for row in portal.versions("deals") if not row["is_deleted"]}
    loaded = {
        (row["object_id"], row["property"], row["changed_at"], row["value"])
        for row in portal.versions("property_history")
        if row["object_id"] in live
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
    for name, crm_object in OBJECTS.items():
        for to_object in crm_object.links:
            loaded = {
                row["source_id"]: row[LINK_COLUMNS[to_object]] for row in portal.versions(name)
            }
            inputs = [{"id": record_id} for record_id in loaded][:1000]
            answer = sdk.crm.associations.v4.batch_api.get_page(
                name, to_object, BatchInputPublicFetchAssociationsBatchRequest(inputs)
            )
            read = {found._from.id: {str(to.to_object_id) for to in found.to}
                    for found in answer.results}  # fmt: skip
            for record_id in [given["id"] for given in inputs]:
                nearest = loaded[record_id]
                assert (nearest in read[record_id]) if nearest else record_id not in read


def test_sdk_reads_owners_pipelines_and_properties(portal: Portal, sdk: HubSpot) -> None:
    portal.sync()
    owners = sdk.crm.owners.get_all() + sdk.crm.owners.get_all(archived=True)
    loaded = {row["source_id"]: row for row in portal.versions("owners")}
    assert {owner.id: owner.email for owner in owners} == {
        owner_id: row["email"] for owner_id, row in loaded.items()
    }
    stages = {
        stage.id: stage.label
        for pipeline in sdk.crm.pipelines.pipelines_api.get_all("deals").results
        for stage in pipeline.stages
    }
    assert stages == {
        row["stage_id"]: row["label"]
        for row in portal.versions("stages")
        if row["object"] == "deals"
    }
    teams = sdk.settings.users.teams_api.get_all().results
    assert {team.name for team in teams} == {row["name"] for row in portal.versions("teams")}
    names = {found.name for found in sdk.crm.properties.core_api.get_all("deals").results}
    assert {"dealname", "closedate", "segment"} <= names


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
