"""`make metrics`: questions to the semantic layer, answered from what is published.

MetricFlow writes the SQL, the published file answers it, and nothing is written. What MetricFlow
would answer otherwise than `kpi_values` without a word is refused here, with what to ask instead.
"""

from __future__ import annotations

import argparse
import copy
import csv
import datetime as dt
import difflib
import json
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn, cast

from dagster_project.commands.explain.command import published_tables
from dagster_project.commands.terminal import nobody_listens, say
from dagster_project.publication import MARTS
from dagster_project.run.dbt_runner import Dbt
from dagster_project.run.semantic_layer import MEMBER
from ingestion.company.settings import Company
from ingestion.errors import SalesopsError, first_line
from ingestion.visible import visible
from ingestion.warehouse.duckdb_sql import quote

if TYPE_CHECKING:
    import duckdb
    from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest

TABLES = ("kpi_members", "kpi_values", "dim_date", "fct_opportunities", "dim_account", "dim_rep")
"""What the semantic layer reads."""
MONTHLY = ("metric_time__month", "period_on__month", "metric_time__day", "period_on__day")
EXAMPLE = 'make metrics Q="--metrics win_rate --group-by metric_time__fiscal_quarter,member__team"'
CUT = re.compile(rf"\b{MEMBER}__(\w+)")
ATTRIBUTE = re.compile(r"\bdeal__\w+")
NAMES = re.compile(r"[\s,]+")
INPUT = re.compile(r"Query Input:\s+(.+)")
RAISED = re.compile(r"^\s*[\w.]+(?:Error|Exception): (.+)", re.MULTILINE)
"""In tracebacks that are quoted, as of a filter that is no template: the first is the cause."""
SUGGESTED = re.compile(r"^\s*(?:'|\".*?')(\w+)'.*?,$", re.MULTILINE)
UNDATED = "– for a period or a part: records that no day dates, or that are of no part of this cut"


class MetricsError(SalesopsError):
    """A question that the semantic layer cannot answer, or would answer misleadingly."""


@dataclass(frozen=True)
class Question:
    """What is asked, in MetricFlow's words."""

    metrics: Sequence[str]
    group_by: Sequence[str]
    where: Sequence[str]
    order_by: Sequence[str]
    start: dt.datetime | None
    end: dt.datetime | None
    limit: int | None
    decimals: int
    format: str

    @classmethod
    def of(cls, words: str) -> Question:
        """As it is written after `Q=`; raises MetricsError where it is no question."""
        try:
            found = _parser().parse_args([*_paired(shlex.split(words))])
        except ValueError as error:
            raise MetricsError(f"{words}: {error}") from error
        return cls(
            found.metrics,
            found.group_by,
            found.where,
            found.order_by or found.group_by,
            found.start_time,
            found.end_time,
            found.limit,
            found.decimals,
            found.format,
        )

    @property
    def named(self) -> str:
        """All in it that may name a dimension."""
        return " ".join((*self.group_by, *self.where))

    @property
    def is_by_month(self) -> bool:
        """Whether no number of it is of more than a month."""
        return any(name.lower() in MONTHLY for name in self.group_by)


def _paired(words: Sequence[str]) -> Iterator[str]:
    """Each option in one word with its value, which may begin with a dash."""
    left = iter(words)
    for word in left:
        value = next(left, None) if word.startswith("--") and "=" not in word else None
        yield word if value is None else f"{word}={value}"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise MetricsError(f"{message}. {self.format_usage().strip()}")


def _parser() -> _Parser:
    def names(text: str) -> list[str]:
        return [name for name in NAMES.split(text) if name]

    parser = _Parser(prog="Q=", add_help=False, allow_abbrev=False)
    add = parser.add_argument
    add("--metrics", type=names, default=[])
    add("--group-by", type=names, default=[])
    add("--where", action="append", default=[])
    add("--order-by", "--order", type=names, default=[])
    add("--start-time", type=dt.datetime.fromisoformat)
    add("--end-time", type=dt.datetime.fromisoformat)
    add("--limit", type=int)
    add("--decimals", type=int, default=4)
    add("--format", choices=("text", "csv", "sql"), default="text")
    return parser


def ask(company: Company, words: str) -> None:
    """Print the answer to a question; the metrics that there are where none is asked.

    Raises MetricsError where there is no answer.
    """
    question, layer = Question.of(words), SemanticLayer(Dbt.of(company).semantics())
    if question.metrics:
        request = layer.request(question)
        with published_tables(company, TABLES) as connection:
            refuse_misleading(connection, layer, question)
            sql = layer.sql(request)
            if question.format == "sql":
                print(sql)
            else:
                _print(*_answer(connection, sql), question)
                say(_as_of(connection, company), sys.stderr)
    else:
        _list(layer)


class SemanticLayer:
    """What dbt's parse says of the metrics, and MetricFlow's engine on it."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._manifest = manifest

    @cached_property
    def metrics(self) -> Mapping[str, Mapping[str, Any]]:
        """What is said of each metric that is one by itself, by its name."""
        metas = {one["name"]: (one["config"] or {})["meta"] for one in self._manifest["metrics"]}
        return {name: meta for name, meta in metas.items() if "variant" in meta}

    def request(self, question: Question) -> MetricFlowQueryRequest:
        """The question as MetricFlow takes it; raises MetricsError for a metric it lacks."""
        from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

        for name in question.metrics:
            if name not in self.metrics:
                near = ", ".join(difflib.get_close_matches(name, self.metrics, n=3))
                meant = f" (did you mean {near}?)" if near else ""
                raise MetricsError(
                    f"{name}: the semantic layer has no such metric{meant}. `make metrics` lists "
                    f"those that it has, make explain METRIC={name} shows what kpi_values alone has"
                )
        return MetricFlowQueryRequest.create(
            metric_names=question.metrics,
            group_by_names=question.group_by or None,
            where_constraints=question.where or None,
            order_by_names=question.order_by or None,
            time_constraint_start=question.start,
            time_constraint_end=question.end,
            limit=question.limit,
        )

    def sql(self, request: MetricFlowQueryRequest) -> str:
        """The SQL that answers it on a published file; raises MetricsError where none does."""
        from metricflow_semantics.errors.error_classes import MetricFlowException

        try:
            return self._engine.explain(request).sql_statement.without_descriptions.sql
        except (MetricFlowException, ValueError) as error:
            raise MetricsError(_in_short(str(error))) from error

    @cached_property
    def _engine(self) -> MetricFlowEngine:
        from metricflow.engine.metricflow_engine import MetricFlowEngine
        from metricflow.protocols.sql_client import SqlEngine
        from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
        from metricflow_semantics.model.dbt_manifest_parser import (
            parse_manifest_from_dbt_generated_manifest,
        )
        from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

        # What is published is a DuckDB file, whatever the warehouse is, and no database's name.
        manifest = copy.deepcopy(dict(self._manifest))
        spines = manifest["project_configuration"]["time_spines"]
        for model in (*manifest["semantic_models"], *spines):
            relation = model["node_relation"]
            relation["relation_name"] = f"{MARTS}.{quote(relation['alias'])}"
        # It only writes SQL: the dialect is all that it asks of a client.
        dialect = SimpleNamespace(
            sql_engine_type=SqlEngine.DUCKDB, sql_plan_renderer=DuckDbSqlPlanRenderer()
        )
        parsed = parse_manifest_from_dbt_generated_manifest(json.dumps(manifest))
        return MetricFlowEngine(SemanticManifestLookup(parsed), cast(Any, dialect))


def _in_short(message: str) -> str:
    """MetricFlow's words; where it does not know names, which they are and what is like them."""
    unknown = dict.fromkeys(name.strip() for name in INPUT.findall(message))
    suggested = dict.fromkeys(SUGGESTED.findall(message))
    if suggested:
        # Of a filter it quotes how it has read it, over several lines.
        asked = (name for name in unknown if not name.startswith("WhereFilter"))
        return (
            f"{', '.join(asked) or 'a filter'}: there is nothing of this name to group, filter or "
            f"order by; like it are {', '.join(suggested)}"
        )
    raised = RAISED.findall(message)
    return f"MetricFlow: {raised[0] if raised else ' '.join(message.split())}"


def refuse_misleading(
    connection: duckdb.DuckDBPyConnection, layer: SemanticLayer, question: Question
) -> None:
    """Raise MetricsError where MetricFlow would answer what was not asked."""
    cuts = {name.lower() for name in CUT.findall(question.named)} - {"metric", "variant"}
    for name in question.metrics:
        meta = layer.metrics[name]
        if unknown := sorted(cuts - set(meta["cuts"])):
            raise MetricsError(
                f"{name} is not cut by {', '.join(unknown)}: its records say nothing of it, "
                f"and all would count as one. It is cut by {', '.join(meta['cuts'])}"
            )
        if (found := ATTRIBUTE.search(question.named)) and not _has_deals(connection, meta):
            raise MetricsError(
                f"{name}: {found[0]} says nothing of it, as its records have no deal"
            )
        if meta["state"] and not question.is_by_month:
            _refuse_gaps(connection, name, meta, question)


def _has_deals(connection: duckdb.DuckDBPyConnection, meta: Mapping[str, Any]) -> bool:
    [(records, deals)] = connection.execute(
        f"select count(*), count(opportunity_key) from {MARTS}.kpi_members where metric = ?",
        [meta["metric"]],
    ).fetchall()
    return bool(deals or not records)


def _refuse_gaps(
    connection: duckdb.DuckDBPyConnection, name: str, meta: Mapping[str, Any], question: Question
) -> None:
    """A longer period has the state of its last month, MetricFlow's of the last with records."""
    by_month = "--group-by metric_time__month"
    if question.where:
        raise MetricsError(
            f"{name} is a state: with --where, a longer period would show the last month in which "
            f"any record is left, not its last one. Ask by month ({by_month}), or group by what "
            "you would filter by"
        )
    empty = connection.execute(
        f"""
        select strftime(period_start, '%Y-%m') from {MARTS}.kpi_values as empty
        where (metric, variant) = ($metric, $variant) and period_grain = 'month'
            and dimension = 'company' and n_included + n_excluded = 0
            and not exists (
                select 1 from {MARTS}.kpi_members as members
                where (metric, variant) = ($metric, $variant)
                    and members.period_on = empty.period_start
            )
        order by 1
        """,
        {"metric": meta["metric"], "variant": meta["variant"]},
    ).fetchall()
    if empty:
        raise MetricsError(
            f"{name} is a state, and there was nothing when these months ended: "
            f"{', '.join(month for (month,) in empty)}. A longer period that ends with one would "
            f"show an earlier month: ask by month ({by_month})"
        )


def _answer(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[list[str], list[Any]]:
    import duckdb

    try:
        result = connection.execute(sql)
        return [column[0] for column in result.description], result.fetchall()
    except duckdb.Error as error:
        raise MetricsError(f"this cannot be asked of what is published: {first_line(error)}") from (
            error
        )


def _as_of(connection: duckdb.DuckDBPyConnection, company: Company) -> str:
    [(as_of,)] = connection.execute("select as_of from marts.publication").fetchall()
    local = company.local(as_of)
    return (
        f"As of {local:%Y-%m-%d %H:%M} {company.timezone}, money in {company.currency}: "
        "a period that ends later still goes on."
    )


def _print(headings: Sequence[str], rows: Sequence[Sequence[Any]], question: Question) -> None:
    try:
        if question.format == "csv":
            lines = csv.writer(sys.stdout, lineterminator="\n")
            lines.writerow(headings)
            for row in rows:
                lines.writerow("" if value is None else visible(_day(value)) for value in row)
        elif rows:
            columns = [
                _aligned(heading, values, question.decimals)
                for heading, values in zip(headings, zip(*rows, strict=True), strict=True)
            ]
            for cells in zip(*columns, strict=True):
                print("  ".join(cells).rstrip())
            grouped = len(headings) - len(question.metrics)
            if any(value is None for row in rows for value in row[:grouped]):
                say(UNDATED)
        else:
            say("Nothing that is published answers this: there are no such records.")
        sys.stdout.flush()
    except BrokenPipeError:
        nobody_listens()


def _aligned(heading: str, values: Sequence[Any], decimals: int) -> list[str]:
    """A heading and what stands below it, of one width: numbers to the right, – where none is."""
    texts = [heading, *(_text(value, decimals) for value in values)]
    width = max(map(len, texts))
    is_number = any(isinstance(value, int | float | Decimal) for value in values)
    return [text.rjust(width) if is_number else text.ljust(width) for text in texts]


def _text(value: Any, decimals: int) -> str:
    if isinstance(value, float | Decimal):
        return f"{value:,.{decimals}f}"
    return "–" if value is None else visible(_day(value))


def _day(value: Any) -> Any:
    """Periods begin with days: what MetricFlow makes of them has noughts for a time."""
    return value.date() if isinstance(value, dt.datetime) and value.time() == dt.time() else value


def _list(layer: SemanticLayer) -> None:
    width = max(map(len, layer.metrics))
    say(f"The metrics of the semantic layer, and what each is cut by ({MEMBER}__team and so on):")
    for name, meta in layer.metrics.items():
        say(f"  {name.ljust(width)}  {' '.join(meta['cuts'])}")
    say("Periods are metric_time__month, __week, __fiscal_quarter and __fiscal_year; deal__…,")
    say("deal__account__… and seller__… are what a deal, its account and an owner are now.")
    say(f"For example: {EXAMPLE}")
