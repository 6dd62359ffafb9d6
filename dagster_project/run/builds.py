"""Whether a build may be an increment on the last one, and what it leaves for the next.

A build that was of everything, and that came to its end, leaves its moments, what it was made by
and its models' SQL in the schema `build` of the warehouse. The next one recomputes only the records
that may have changed since, unless anything is in doubt: then dbt builds everything anew.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from dagster_project.run.dbt_manifest import definitions_hash
from dagster_project.run.dbt_runner import BuildError, Dbt
from dagster_project.run.increment import Clock, Increment, Inputs, OnResult
from dagster_project.run.nodes import BUILD, Node, as_json, from_json, made, resting_on
from dagster_project.run.standing import contents
from ingestion.loading.moments import LOADS, loaded_at
from ingestion.warehouse.session import Session, session

FIRST = "there was no build before"
PROVED_EVERY = dt.timedelta(days=7)
LOOKS_BACK = "/* looks back */"
"""What is in the SQL that asks whether a run does (dbt/macros/run.sql)."""

log = logging.getLogger("salesops")


@dataclass(frozen=True)
class Moments:
    """The moments of a build, UTC without zone: as `run_values` says."""

    as_of: dt.datetime
    known_at: dt.datetime
    company_as_of: dt.datetime | None = None

    @property
    def data_until(self) -> dt.datetime:
        """Where the company's data ends."""
        return min(self.company_as_of or self.known_at, self.known_at)


@dataclass(frozen=True)
class Plan:
    """How to build everything: what for, made by what, of which loads; and on what, if on anything.

    `doubt` is why it cannot be on the last build, whose moments and nodes are in `last`.
    """

    moments: Moments
    made_by: str
    loads: str
    doubt: str | None
    last: Mapping[str, Any]

    @property
    def is_to_be_proved(self) -> bool:
        """Whether the last whole build is a week ago."""
        return bool(self.moments.known_at - self.last["whole_at"] >= PROVED_EVERY)


def plan_build(dbt: Dbt, moments: Moments, *, whole_for: str | None = None) -> Plan:
    """Whether all is built anew, as for a given reason; why is said where there was a build."""
    made_by = _made_by(dbt, moments)
    with dbt.warehouse.kept_open():
        last = _last_build(dbt)
        doubt = _doubt(dbt, moments, made_by, last)
        loads = _loads(dbt, moments.known_at)
    if doubt != FIRST:
        doubt = whole_for or doubt
    if doubt and doubt != FIRST:
        log.info("building everything: %s", doubt)
    return Plan(moments, made_by, loads, doubt, last or {})


def build_everything(
    dbt: Dbt,
    plan: Plan,
    values: Mapping[str, str],
    on_result: OnResult,
    selection: Iterable[str] = (),
) -> None:
    """Build everything as planned; raises as `Dbt.build` does.

    Where an increment cannot be run to its end, all is built anew. So it is once a week after one;
    raises BuildError where that gives other rows. `values` are the `run_values`.
    """
    day_by_day: Mapping[str, str] = {}
    on_result = _once(on_result)
    if plan.doubt is None:
        with session(dbt.warehouse) as warehouse:
            if nodes := _increment(dbt, plan, values, on_result, warehouse):
                if not plan.is_to_be_proved:
                    return
                day_by_day = _rows(warehouse, nodes)
    whole = _build_whole(dbt, plan, values, on_result, selection, is_proof=bool(day_by_day))
    if wrong := sorted(it for it in day_by_day.keys() & whole if day_by_day[it] != whole[it]):
        raise BuildError(
            f"tables with other rows where they are built whole: {', '.join(wrong)}. It is a "
            "defect of salesops: please report it. The warehouse has the whole build now: run "
            "again to publish it"
        )


def _build_whole(
    dbt: Dbt,
    plan: Plan,
    values: Mapping[str, str],
    on_result: OnResult,
    selection: Iterable[str],
    is_proof: bool,
) -> Mapping[str, str]:
    """Have dbt build everything; returns what is in the tables then, of a proof."""
    dbt.warehouse.forget_marts()
    failures: dict[str, int] = {}

    def tell(result: dict[str, Any]) -> None:
        failures[result["data"]["node_info"]["unique_id"]] = result["data"].get("num_failures") or 0
        on_result(result)

    nodes = made(dbt.build(values, [*selection], tell), failures)
    with session(dbt.warehouse) as warehouse:
        inputs = Inputs(warehouse, nodes)
        for node in nodes.values():
            node.check(values)
            if node.reading and node.materialized != "view":
                inputs.put_down(node, _clock(dbt, plan.moments.as_of))
        _finish(dbt, plan, values, nodes, warehouse, plan.moments.known_at)
        return _rows(warehouse, nodes) if is_proof else {}


def _rows(warehouse: Session, nodes: Mapping[str, Node]) -> dict[str, str]:
    """What is in the tables that are built, by name, but for those that say how."""
    queries = {
        node.name: f"select * from {node.relation}"
        for node in nodes.values()
        if node.materialized == "table" and f'"{BUILD}".' not in node.relation
    }
    return contents(warehouse, queries)


def _once(on_result: OnResult) -> OnResult:
    """Of each node one result: what is built once more is no news."""
    told = set()

    def tell(result: dict[str, Any]) -> None:
        node = result["data"]["node_info"]["unique_id"]
        if node not in told:
            told.add(node)
            on_result(result)

    return tell


def _increment(
    dbt: Dbt,
    plan: Plan,
    values: Mapping[str, str],
    on_result: OnResult,
    warehouse: Session,
) -> Mapping[str, Node] | None:
    """Make an increment; returns its nodes, None where it could not be done."""
    warehouse.execute(f"update {BUILD}.last_build set is_complete = false")
    increment = Increment(
        warehouse,
        from_json(plan.last["nodes"]),
        values,
        _clock(dbt, plan.moments.as_of),
        _clock(dbt, plan.last["as_of"]),
    )
    try:
        increment.run(on_result)
    except warehouse.errors as error:
        failing = next(name for name in increment.nodes if name not in increment.made)
        told = dbt.warehouse.in_words(error)
        log.warning(
            "building everything: what has changed of %s could not be built alone (%s)",
            failing,
            told,
        )
        return None
    if increment.failed:
        raise dbt.told(increment.failed)
    _finish(dbt, plan, values, increment.made, warehouse, plan.last["whole_at"])
    return increment.made


def last_build_of(dbt: Dbt, moments: Moments) -> Mapping[str, Node] | None:
    """The nodes of the last build, where it was of these moments and nothing of it is in doubt."""
    with dbt.warehouse.kept_open():
        last = _last_build(dbt)
        if last is None or _doubt(dbt, moments, _made_by(dbt, moments), last):
            return None
    return from_json(last["nodes"])


def build_again(
    dbt: Dbt,
    copy: Session,
    nodes: Mapping[str, Node],
    moments: Moments,
    values: Mapping[str, str],
    filled: Collection[str] | None = None,
) -> Mapping[str, Node]:
    """Make `kpi_values`, and what it rests on, once more for a build's moment from other records.

    `nodes` are those of the build, which `copy` is of. What asks whether a run looks back is made
    whole where this one does. Returns what another one, of the same moments and values, goes on
    from: that one is told which raw tables, `schema.table`, have been `filled` since. Raises what
    the database raises.
    """
    needed = {node.name: node for node in resting_on(nodes, "kpi_values")}
    clock = _clock(dbt, moments.as_of)
    increment = Increment(copy, needed, values, clock, clock, filled=filled or ())
    if filled is not None:
        _put_down_deals(dbt, moments, needed, copy)
    elif _looks_back(dbt, moments):
        increment.built_whole |= {name for name, it in needed.items() if LOOKS_BACK in it.sql}
    increment.run(lambda result: None)
    return increment.made


def _finish(
    dbt: Dbt,
    plan: Plan,
    values: Mapping[str, str],
    nodes: Mapping[str, Node],
    warehouse: Session,
    whole_at: dt.datetime,
) -> None:
    """Put down what the next build begins with, and when the last whole one was."""
    warehouse.execute("begin")
    _put_down_deals(dbt, plan.moments, nodes, warehouse)
    for table in filter(None, (node.differs_from for node in nodes.values())):
        # Who reads it does so before the table is made again.
        warehouse.execute(f"drop view if exists {BUILD}.last_{table}")
        rows = f"select * from {nodes[table].relation}"
        warehouse.execute(f"create view {BUILD}.last_{table} as {rows}")
    warehouse.execute(f"delete from {BUILD}.last_build")
    moments = plan.moments
    text = as_json(nodes.values())
    run = values["SALESOPS_RUN_ID"]
    row = (moments.as_of, moments.known_at, whole_at, run, plan.made_by, plan.loads, text, True)
    warehouse.put_texts(f"{BUILD}.last_build", [row])
    warehouse.execute("commit")


def _put_down_deals(
    dbt: Dbt, moments: Moments, nodes: Mapping[str, Node], warehouse: Session
) -> None:
    """Put down what the set of deals with news is found by."""
    settled = _clock(dbt, moments.as_of).settled - dt.timedelta(days=1)
    warehouse.execute(f"delete from {BUILD}.last_opportunities")
    warehouse.fill(
        f"{BUILD}.last_opportunities",
        f"""select
            inputs.opportunity_key, inputs.source_instance, inputs.source_id, inputs.digest,
            merges.digest as merge,
            opportunities.closed_at is not null
            and states.are_dated
            and greatest(opportunities.closed_at, states.last_changed_at)
            < timestamp '{settled}' as is_settled
        from {nodes["int_opportunity_inputs"].relation} as inputs
        left join {nodes["int_opportunities__current"].relation} as opportunities
            on inputs.opportunity_key = opportunities.opportunity_key
        left join (
            select
                opportunity_key,
                max(valid_from) as last_changed_at,
                count(*) = count(valid_from) as are_dated
            from {nodes["int_opportunity_states"].relation}
            group by opportunity_key
        ) as states
            on inputs.opportunity_key = states.opportunity_key
        left join {nodes["int_opportunity_merge_digests"].relation} as merges
            on inputs.opportunity_key = merges.opportunity_key""",
    )


def _clock(dbt: Dbt, as_of: dt.datetime) -> Clock:
    """Rates of the last week may still come, so settled is what was over before it.

    A day has ended at its last moment.
    """
    today = dbt.company.local(as_of).date()
    ended = dbt.company.local(as_of + dt.timedelta(microseconds=1)).date()
    return Clock(today - dt.timedelta(days=8), ended.replace(day=1), today.replace(day=1))


def _last_build(dbt: Dbt) -> Mapping[str, Any] | None:
    if not dbt.warehouse.table_exists(BUILD, "last_build"):
        return None
    found = dbt.warehouse.read(f"select * from {BUILD}.last_build").to_pylist()
    return found[0] if found else None


def _doubt(dbt: Dbt, moments: Moments, made_by: str, last: Mapping[str, Any] | None) -> str | None:
    """Why a build cannot be an increment; None where it can."""
    if last is None:
        return FIRST
    if not last.get("is_complete"):
        return "the last build did not come to its end"
    if last.get("made_by") != made_by:
        return "definitions, settings or the engine are others than at the last build"
    if dbt.warehouse.name == "duckdb" and not dbt.warehouse.marts.exists():
        return "the marts of the last build are missing"
    if _run_of_marts(dbt) not in (None, last["run_id"]):
        return "the marts are of another build than the warehouse"
    if moments.as_of < last["as_of"] or moments.known_at < last["known_at"]:
        return "its moments are before those of the last build"
    if last["loads"] != _loads(dbt, last["known_at"]):
        return "loads of before the last build have come or gone since"
    if missing := _missing(dbt, from_json(last["nodes"])):
        return f"{missing} of the last build is missing"
    return None


def _missing(dbt: Dbt, nodes: Mapping[str, Node]) -> str | None:
    """A table or view of the last build that is not there: what stands, nobody would miss."""
    found = dbt.warehouse.read("select table_schema, table_name from information_schema.tables")
    there = {f'"{it["table_schema"]}"."{it["table_name"]}"' for it in found.to_pylist()}
    made = (node for node in nodes.values() if node.resource_type != "test")
    gone = (node.name for node in made if node.relation.partition(".")[2] not in there)
    return next(gone, None)


def _run_of_marts(dbt: Dbt) -> str | None:
    """The run that built the marts: their file may have been put beside another warehouse."""
    if not dbt.warehouse.table_exists("marts", "kpi_values"):
        return None
    found = dbt.warehouse.read("select run_id from marts.kpi_values limit 1").to_pylist()
    return str(found[0]["run_id"]) if found else None


def _made_by(dbt: Dbt, moments: Moments) -> str:
    """Hash of all that makes the tables, but for data and moments."""
    packages = ("dbt-core", f"dbt-{dbt.warehouse.name}", "duckdb")
    parts = {
        "definitions": definitions_hash(dbt.manifest()),
        "variables": dbt.variables,
        "packages": {name: version(name) for name in packages},
        "looks_back": _looks_back(dbt, moments),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _looks_back(dbt: Dbt, moments: Moments) -> bool:
    return dbt.company.local(moments.as_of).date() < dbt.company.local(moments.data_until).date()


def _loads(dbt: Dbt, known_at: dt.datetime) -> str:
    """A digest of the loads that were finished by a moment."""
    found: list[Any] = []
    for source_type in dbt.company.source_types:
        dataset = f"raw_{source_type}"
        if dbt.warehouse.table_exists(dataset, LOADS):
            rows = dbt.warehouse.read(
                f"select load_id from {dataset}.{LOADS} "
                f"where status = 0 and {loaded_at()} <= ? order by load_id",
                [known_at],
            )
            found.append([dataset, *rows["load_id"].to_pylist()])
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()
