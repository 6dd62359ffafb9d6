"""Whose costs company.yml says what they are for: teams that the sources know."""

from __future__ import annotations

from ingestion.company.settings import Company, as_word
from ingestion.errors import CompanyError, one_of
from ingestion.sources.registry import SOURCE_TYPES
from ingestion.warehouse.warehouse import Warehouse


def check_cost_teams(company: Company, warehouse: Warehouse) -> None:
    """Make sure that `cost_teams` names teams of costs: another changes no number.

    The sources are loaded. Raises CompanyError naming file, key, value and remedy.
    """
    if not company.marketing.cost_teams:
        return
    teams = {
        team
        for source_type in company.source_types
        if "costs" in SOURCE_TYPES[source_type].entities
        for team in warehouse.read(
            f"select distinct team from raw_{source_type}.costs where team is not null"
        )
        .column("team")
        .to_pylist()
    }
    words = {as_word(team) for team in teams}
    for team, function in company.marketing.cost_teams.items():
        if as_word(team) not in words:
            raise CompanyError(
                f"{company.path}: marketing.cost_teams.{team} = {function!r}: "
                f"no costs are of this team; {one_of(team, teams)}"
            )
