"""What of a HubSpot source can be told to be wrong without reading its records."""

from __future__ import annotations

from collections.abc import Collection

from ingestion.errors import Gathered, SourceError
from ingestion.http import Patience, Place
from ingestion.loading.api_check import IN_SECONDS, api_check
from ingestion.loading.reports import ExtractContext, SourceCheck
from ingestion.sources.hubspot.answers import PROPERTY
from ingestion.sources.hubspot.client import HubSpotClient
from ingestion.sources.hubspot.settings import LABEL, HubSpotSource


def check(
    context: ExtractContext, source: HubSpotSource, patience: Patience = IN_SECONDS
) -> SourceCheck:
    """Whether there is a token that the portal takes, and the properties that `mapping` names.

    Its properties are asked for object by object, where none is mapped those of the first object.
    """
    context.progress(f"{source.name}: asking for properties")

    def ask(wrong: Gathered) -> None:
        _check_properties(HubSpotClient(source, patience), source, wrong)

    return api_check(source, Place(LABEL, source.name), source.url, ask)


def _check_properties(client: HubSpotClient, source: HubSpotSource, wrong: Gathered) -> None:
    mapped = [name for name in source.objects if name in source.mapping]
    for name in mapped or source.objects[:1]:
        defined = client.whole(f"/crm/v3/properties/{name}", PROPERTY).results
        with wrong.each():
            refuse_unknown(source, name, {found["name"] for found in defined})


def refuse_unknown(source: HubSpotSource, name: str, known: Collection[str]) -> None:
    """Raise SourceError of all columns that company.yml maps to properties that never were."""
    unknown = {
        column: holder
        for column, holder in source.mapping.get(name, {}).items()
        if holder not in known
    }
    if unknown:
        raise SourceError(
            *(
                f"source {source.name}: mapping.{name}.{column} = '{holder}': the portal has no "
                "such property; take its internal name from the property's settings in HubSpot"
                for column, holder in unknown.items()
            )
        )
