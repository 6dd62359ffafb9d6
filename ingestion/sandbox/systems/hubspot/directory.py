"""HubSpot's owners and teams."""

from __future__ import annotations

from typing import Any

from ingestion.sandbox.systems.hubspot.portal import FIRST_USER_ID, Portal
from ingestion.sandbox.systems.hubspot.text import iso
from ingestion.sandbox.world.render import FIRST_ID

FIRST_TEAM_ID = 501


def owners(portal: Portal, archived: bool) -> list[dict[str, Any]]:
    """The owners in order of id: users of the portal, or with `archived` those who left."""
    table = portal.world.table("users")
    team_ids = _team_ids(table["team"].to_pylist())
    updated = iso(table["source_updated_at"].combine_chunks()).to_pylist()
    found = []
    for position, user in enumerate(table.to_pylist()):
        if user["is_active"] == archived:
            continue
        first, _, last = user["name"].partition(" ")
        user_id = int(user["source_id"]) - FIRST_ID["users"] + FIRST_USER_ID
        found.append({
            "id": user["source_id"], "email": user["email"], "type": "PERSON",
            "firstName": first, "lastName": last, "userId": None if archived else user_id,
            "userIdIncludingInactive": user_id, "createdAt": "2023-01-01T00:00:00Z",
            "updatedAt": updated[position], "archived": archived,
            "teams": [{"id": team_ids[user["team"]], "name": user["team"], "primary": True}],
        })  # fmt: skip
    return found


def teams(portal: Portal) -> list[dict[str, Any]]:
    """The teams with the ids of their users."""
    table = portal.world.table("users")
    names = table["team"].to_pylist()
    members: dict[str, list[str]] = {name: [] for name in _team_ids(names)}
    for position, name in enumerate(names):
        members[name].append(str(position + FIRST_USER_ID))
    return [
        {"id": team_id, "name": name, "userIds": members[name], "secondaryUserIds": []}
        for name, team_id in _team_ids(names).items()
    ]


def _team_ids(names: list[str]) -> dict[str, str]:
    unique = dict.fromkeys(names)
    return {name: str(FIRST_TEAM_ID + number) for number, name in enumerate(unique)}
