"""SQL that turns records as they came in into rows of raw tables: typed, checked and hashed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ingestion.contract.types import ColumnType
from ingestion.loading.rows import EXPECTED, reason_of, row_hash, typed
from ingestion.sources.hubspot.objects import LINK_COLUMNS, CrmObject
from ingestion.sources.hubspot.tables import PROPERTY_HISTORY, columns_of
from ingestion.warehouse.duckdb_sql import literal, quote

DEAL_STAGES = "deal_stages"
"""The connection's variable that holds the ids of the stages of deals."""
PRIMARY = 10**17
"""Added to the ids of associated records that are not primary: beyond every id."""
LINK_TYPE = {
    "from": "STRUCT(id VARCHAR)",
    "to": 'STRUCT("toObjectId" BIGINT, "associationTypes" STRUCT(label VARCHAR)[])[]',
}
CHANGE_TYPE = (
    'STRUCT("value" VARCHAR, "timestamp" VARCHAR, "sourceType" VARCHAR, "updatedByUserId" VARCHAR)'
)


def record_type(properties: Sequence[str], history: Sequence[str]) -> dict[str, str]:
    """DuckDB types of the members of a CRM record's JSON; property values are text."""
    values = ", ".join(f"{quote(name)} VARCHAR" for name in properties)
    changes = ", ".join(f"{quote(name)} {CHANGE_TYPE}[]" for name in history)
    return {
        "id": "VARCHAR",
        "updatedAt": "VARCHAR",
        "archived": "BOOLEAN",
        "archivedAt": "VARCHAR",
        "properties": f"STRUCT({values})",
        **({"propertiesWithHistory": f"STRUCT({changes})"} if history else {}),
    }


@dataclass(frozen=True)
class Reading:
    """How one object's records are read: where each typed property's value is, and what else is.

    `value_of` maps a property of the object to the one that holds its value, `properties` are all
    that were asked for, `links` the objects whose associations were. Days of moments are those of
    the company's `timezone`.
    """

    crm_object: CrmObject
    instance: str
    value_of: dict[str, str]
    properties: tuple[str, ...]
    links: tuple[str, ...]
    timezone: str

    @property
    def history_of(self) -> dict[str, str]:
        """By property whose history is read: the one that holds its values, and so their past."""
        return {name: self.value_of.get(name, name) for name in self.crm_object.history}

    @property
    def history_asked(self) -> tuple[str, ...]:
        """The properties whose history is asked for."""
        return tuple(dict.fromkeys(self.history_of.values()))

    @property
    def name(self) -> str:
        """The object's name."""
        return self.crm_object.name

    @property
    def extra(self) -> list[str]:
        """Properties without a column of their own."""
        held = {*self.value_of.values(), self.crm_object.modified, "hs_object_id"}
        return [name for name in self.properties if name not in held]

    def rows(self) -> str:
        """Rows with `reason` and `record`; of repeated records the latest, archived before live.

        Reads tables `<object> records` and `<object> links`, and the variable DEAL_STAGES.
        """
        changed_at = 'case when archived then "archivedAt" else "updatedAt" end'
        links, associations = self._links()
        records = quote(f"{self.name} records")
        return f"""
            with repeated as (
                select rowid as position, row_number() over (
                    partition by id order by archived desc, "updatedAt" desc
                ) as recency
                from {records}
                where id in (select id from {records} group by id having count(*) > 1)
            ), latest as (
                select * from {records}
                where rowid not in (select position from repeated where recency > 1)
            ), typed as (
                select
                    {literal(self.instance)} as source_instance,
                    null::VARCHAR as source_file,
                    id::BIGINT as source_row,
                    {self._extra()} as source_extra,
                    id as source_id,
                    {typed(changed_at, "timestamp")} as source_updated_at,
                    coalesce(archived, false) as is_deleted,
                    {", ".join([*self.columns(), *links])},
                    {reason_of(self._problems())} as reason,
                    case when reason is not null then to_json(latest)::VARCHAR end as record
                from latest {associations}
            )
            select *, {row_hash(columns_of(self.crm_object))} as row_hash from typed
        """

    def columns(self) -> list[str]:
        """The typed columns of the object's properties, from `properties` of a record."""
        return [
            f"{self._typed(self._value(known.name), known.type)} as {quote(known.name)}"
            for known in self.crm_object.properties
        ]

    def _value(self, name: str) -> str:
        holder = self.value_of.get(name)
        return f"nullif(properties.{quote(holder)}, '')" if holder else "null::VARCHAR"

    def _typed(self, value: str, type_: ColumnType) -> str:
        """A value as its type; a day also where the property holds moments."""
        if type_ != "date":
            return typed(value, type_)
        moment = typed(value, "timestamp")
        return (
            f"case when {moment} = {moment}::DATE then {moment}::DATE "
            f"else timezone({literal(self.timezone)}, timezone('UTC', {moment}))::DATE end"
        )

    def _extra(self) -> str:
        if not self.extra:
            return "null::VARCHAR"
        members = ", ".join(f"{literal(name)}, properties.{quote(name)}" for name in self.extra)
        return f"nullif(json_merge_patch('{{}}', json_object({members}))::VARCHAR, '{{}}')"

    def _problems(self) -> Iterable[tuple[str, str]]:
        """Conditions under which a record breaks the contract, and what to say then."""
        for known in self.crm_object.properties:
            value = self._value(known.name)
            if known.required:
                yield f"{value} is null", literal(f"{known.name}: missing")
            if known.type != "text":
                yield (
                    f"{value} is not null and {self._typed(value, known.type)} is null",
                    f"{literal(f'{known.name} = ')} || {value} || "
                    f"{literal(f': not {EXPECTED[known.type]}')}",
                )
        if self.name == "deals":
            stage = self._value("dealstage")
            yield (
                f"not archived and not list_contains(getvariable('{DEAL_STAGES}'), {stage})",
                f"'dealstage = ' || {stage} || ': not a stage of any pipeline'",
            )

    def _links(self) -> tuple[list[str], str]:
        """The columns of associations, and the join that gives them."""
        columns = [
            f"links.{LINK_COLUMNS[name]}"
            if name in self.links
            else f"null::VARCHAR as {LINK_COLUMNS[name]}"
            for name in self.crm_object.links
        ]
        if not self.links:
            return ([*columns, "null::VARCHAR as associations"], "") if columns else ([], "")
        nearest = [
            f"(min(case when is_primary then to_id else to_id + {PRIMARY} end) "
            f"filter (to_object = {literal(name)}) % {PRIMARY})::VARCHAR as {LINK_COLUMNS[name]}"
            for name in self.links
        ]
        links = quote(f"{self.name} links")
        join = f"""
            left join (select from_id, {", ".join(nearest)} from {links} group by from_id)
                as links on links.from_id = latest.id
            left join (
                select from_id, to_json(list(
                    {{'object': to_object, 'id': to_id::VARCHAR, 'labels': labels}}
                    order by to_object, to_id
                ))::VARCHAR as associations
                from (select distinct * from {links} where from_id in (
                    select from_id from {links} group by from_id, to_object
                    having min(to_id) <> max(to_id)
                ))
                group by from_id
            ) as sets on sets.from_id = latest.id
        """
        return [*columns, "sets.associations"], join

    def history(self) -> str:
        """Rows of `property_history` of the records that are taken."""
        changes = " union all ".join(
            f"select id, {literal(name)} as property, "
            f'unnest("propertiesWithHistory".{quote(holder)}) as change, '
            f'generate_subscripts("propertiesWithHistory".{quote(holder)}, 1) as position '
            f"from {quote(f'{self.name} records')} where id in "
            f"(select source_id from {quote(f'{self.name} rows')} where reason is null)"
            for name, holder in self.history_of.items()
        )
        types = {known.name: known.type for known in self.crm_object.properties}
        unfit = " or ".join(
            f"(property = {literal(name)} and value is not null and {typed('value', types[name])} "
            "is null)"
            for name in self.crm_object.history
            if types[name] != "text"
        )
        return f"""
            with changes as ({changes}), typed as (
                select
                    {literal(self.instance)} as source_instance,
                    null::VARCHAR as source_file,
                    null::VARCHAR as source_extra,
                    {literal(self.name)} as object,
                    id as object_id,
                    property,
                    nullif(change.value, '') as value,
                    {typed('change."timestamp"', "timestamp")} as changed_at,
                    change."sourceType" as source_type,
                    change."updatedByUserId" as user_id,
                    position
                from changes
            ), ordered as (
                select
                    * exclude (position),
                    row_number() over (
                        partition by object_id, property, changed_at order by position desc
                    ) as source_row,
                    changed_at as source_updated_at,
                    false as is_deleted
                from (
                    select * exclude (position), min(position) as position
                    from typed
                    group by all
                )
            ), identified as (
                select *, concat_ws(':', object, object_id, property, epoch_ms(changed_at),
                    source_row) as source_id
                from ordered
            )
            select
                *,
                {row_hash(PROPERTY_HISTORY)} as row_hash,
                case
                    when changed_at is null then 'timestamp: missing or not a moment'
                    when {unfit} then property || ' = ' || value || ': does not fit the property'
                end as reason,
                case when reason is not null then to_json(identified)::VARCHAR end as record
            from identified
        """


def links(table: str, to_object: str) -> str:
    """Rows of associations from answers: from_id, to_object, to_id, is_primary, labels."""
    return f"""
        with pairs as (select "from".id as from_id, unnest("to") as target from {quote(table)})
        select
            from_id,
            {literal(to_object)} as to_object,
            target."toObjectId" as to_id,
            len(list_filter(target."associationTypes", lambda t: starts_with(t.label, 'Primary')))
                > 0 as is_primary,
            list_transform(
                list_filter(target."associationTypes", lambda t: t.label is not null),
                lambda t: t.label
            ) as labels
        from pairs
    """
