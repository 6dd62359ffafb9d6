"""Owners, teams and pipeline stages: short lists, read whole every time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ingestion.errors import SourceError, one_of
from ingestion.http import well_formed
from ingestion.sources.hubspot.answers import ENTRY, PIPELINE, STAGE, TEAM
from ingestion.sources.hubspot.client import OWNERS_PAGE, HubSpotClient
from ingestion.sources.hubspot.settings import HubSpotSource

Row = dict[str, Any]


def owners(client: HubSpotClient) -> list[Row]:
    """Owners, those whose users were deactivated included."""
    found = [
        owner
        for archived in ("false", "true")
        for page in client.pages("/crm/v3/owners", ENTRY, limit=OWNERS_PAGE, archived=archived)
        for owner in page.results
    ]
    return [
        {
            "source_id": owner["id"],
            "source_updated_at": owner.get("updatedAt"),
            "user_id": _text(owner.get("userIdIncludingInactive") or owner.get("userId")),
            "first_name": owner.get("firstName") or None,
            "last_name": owner.get("lastName") or None,
            "email": owner.get("email") or None,
            **_main_team(owner.get("teams") or ()),
            "is_archived": bool(owner.get("archived")),
        }
        for owner in found
    ]


def _main_team(teams: Iterable[Mapping[str, Any]]) -> Row:
    main = min(teams, key=lambda team: not team.get("primary"), default={})
    return {"team_id": _text(main.get("id")), "team": main.get("name")}


def teams(client: HubSpotClient) -> list[Row]:
    """Teams."""
    page = client.whole("/settings/v3/users/teams", TEAM)
    return [{"source_id": _text(team["id"]), "name": team["name"]} for team in page.results]


def stages(client: HubSpotClient, source: HubSpotSource) -> list[Row]:
    """The stages of the pipelines of deals and leads.

    Raises SourceError when company.yml counts a stage as no decision that there is not.
    """
    objects = [name for name in ("deals", "leads") if name in source.objects]
    found = [
        _stage(name, pipeline, stage, source.no_decision)
        for name in objects
        for pipeline in client.whole(f"/crm/v3/pipelines/{name}", PIPELINE).results
        for stage in well_formed(
            client.place(f"/crm/v3/pipelines/{name}"), pipeline["stages"], STAGE
        )
    ]
    known = {row["label"] for row in found} | {row["source_id"].partition(":")[2] for row in found}
    for wanted in source.no_decision:
        if wanted not in known:
            raise SourceError(
                f"source {source.name}: no_decision: there is no stage '{wanted}'; "
                f"{one_of(wanted, known)}"
            )
    return found


def _stage(
    name: str, pipeline: Mapping[str, Any], stage: Mapping[str, Any], no_decision: tuple[str, ...]
) -> Row:
    metadata = stage.get("metadata") or {}
    return {
        "source_id": f"{name}:{stage['id']}",
        "source_updated_at": stage.get("updatedAt"),
        "object": name,
        "stage_id": stage["id"],
        "pipeline_id": pipeline["id"],
        "pipeline": pipeline["label"],
        "pipeline_order": pipeline.get("displayOrder"),
        "label": stage["label"],
        "display_order": stage.get("displayOrder"),
        "is_closed": metadata.get("isClosed"),
        "probability": metadata.get("probability"),
        "is_no_decision": stage["id"] in no_decision or stage["label"] in no_decision,
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)
