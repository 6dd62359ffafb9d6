"""The numbers behind the boards, as pages carry them: by position instead of by name."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dagster_project.dashboard.boards import BOARDS, CUTS, GRAINS, PAIRS, Board
from dagster_project.dashboard.pairs import JOINED, pair_figures
from dagster_project.numbers.cell import ALL_TIME, COMPANY, Calendar, Cell
from dagster_project.numbers.headlines import RIPENING
from dagster_project.numbers.untold import Told, Untold, caution, read_untold

if TYPE_CHECKING:
    import duckdb

LAST = {"month": 37, "quarter": 21, "year": 12, "week": 54}
"""The periods up to the present one that pages have, by grain; earlier ones are in `kpi_values`."""
TOP = 40
"""The keys of a cut that pages have at most: those with most records."""
PAIRS_SHOWN = 24
"""The pairs of keys that pages have at most."""
PLACES = 8
"""The decimals of a value: so many that the page, which rounds again, rounds rightly."""

Named = tuple[str, str]
"""A metric and its variant."""
Value = tuple[float | None, int, int]
"""A value, the records behind it, and those left out."""
Series = dict[int, Value]
"""Values by the position of their period."""


@dataclass(frozen=True)
class Period:
    """A period of a grain, as people write it, and whether it has ended."""

    start: dt.date | None
    label: str
    has_ended: bool


@dataclass(frozen=True)
class Cut:
    """The keys of a cut with their names, those with most records first; `more` are not shown."""

    name: str
    keys: Sequence[tuple[str, str]]
    more: int


@dataclass(frozen=True)
class Figures:
    """All that pages may show of `kpi_values`; each page takes its part.

    `periods` and `earlier`, how many there are before these, are by grain; `series` by metric, and
    by grain, cut and key. `metrics` is what is said of each. A target is of a metric, grain,
    period, cut and key.
    """

    periods: Mapping[str, Sequence[Period]]
    earlier: Mapping[str, int]
    cuts: Sequence[Cut]
    metrics: Mapping[Named, Mapping[str, Any]]
    series: Mapping[Named, Mapping[tuple[str, str, str], Series]]
    targets: Sequence[tuple[Named, str, int, str, str, float]]

    def names(self, boards: Sequence[Board]) -> list[Named]:
        """The metrics of boards that have any number, in their order."""
        named = dict.fromkeys((board.metric, board.variant) for board in boards)
        return [name for name in named if name in self.metrics]

    def has_records(self, boards: Sequence[Board]) -> bool:
        """Whether any number of the boards rests on any record, or leaves one out."""
        return any(
            records or left_out
            for name in self.names(boards)
            for series in self.series[name].values()
            for _, records, left_out in series.values()
        )

    def of(self, boards: Sequence[Board], top: int = TOP) -> dict[str, Any]:
        """What a page of these boards carries, with at most `top` keys of each cut.

        A series is `[first, values, records, left out]`: `first` is the position of its first
        period; a period without a row has null for its records; what is left out is 0 where that
        is nothing in any period.
        """
        names = self.names(boards)
        used = {(grain, cut) for name in names for grain, cut, _ in self.series[name]}
        cuts = [cut for cut in self.cuts if any(name == cut.name for _, name in used)]
        grains = [grain for grain in self.periods if any(name == grain for name, _ in used)]
        place = {name: i for i, name in enumerate(names)}
        where = {cut.name: {key: i for i, (key, _) in enumerate(cut.keys[:top])} for cut in cuts}
        return {
            "grains": [
                {
                    "name": grain,
                    "label": GRAINS.get(grain, "All time"),
                    "earlier": self.earlier[grain],
                    "ended": sum(period.has_ended for period in self.periods[grain]),
                    "starts": [
                        period.start and period.start.isoformat() for period in self.periods[grain]
                    ],
                    "labels": [period.label for period in self.periods[grain]],
                }
                for grain in grains
            ],
            "cuts": [
                {
                    "name": cut.name,
                    "label": CUTS.get(cut.name, cut.name.capitalize()),
                    "keys": [key for key, _ in cut.keys[:top]],
                    "labels": [label for _, label in cut.keys[:top]],
                    "more": cut.more + max(len(cut.keys) - top, 0),
                }
                for cut in cuts
            ],
            "metrics": [
                dict(
                    self.metrics[name],
                    series={
                        grain: {
                            cut.name: [
                                _packed(self.series[name].get((grain, cut.name, key)))
                                for key, _ in cut.keys[:top]
                            ]
                            for cut in cuts
                            if any(each[:2] == (grain, cut.name) for each in self.series[name])
                        }
                        for grain in grains
                        if any(each[0] == grain for each in self.series[name])
                    },
                )
                for name in names
            ],
            "targets": [
                [place[name], grain, period, cut, where[cut][key], target]
                for name, grain, period, cut, key, target in self.targets
                if name in place and cut in where and key in where[cut]
            ],
        }


def read_figures(connection: duckdb.DuckDBPyConnection, today: dt.date) -> Figures:
    """The figures of all boards; `today` is the company's day of the run's moment.

    Uses temporary tables of the connection.
    """
    wanted = sorted({(board.metric, board.variant) for board in BOARDS})
    connection.execute("create or replace temp table wanted (metric varchar, variant varchar)")
    connection.executemany("insert into wanted values (?, ?)", wanted)
    metrics = _metrics(connection)
    periods, earlier = _periods(connection, today)
    cuts = _cuts(connection)
    at = {grain: {it.start: i for i, it in enumerate(of)} for grain, of in periods.items()}
    series: dict[Named, dict[tuple[str, str, str], Series]]
    series = {name: defaultdict(dict) for name in metrics}
    for name, pair in PAIRS.items():
        found, keys, more = pair_figures(connection, pair, _wanted(connection, at), PAIRS_SHOWN)
        if keys:
            cuts.append(Cut(name, _pair_keys(connection, pair, keys), more))
        for cell, told in found.items():
            value = told.value if told.value is None else round(told.value, PLACES)
            of_key = series[cell.metric, cell.variant][cell.grain, name, cell.key]
            of_key[at[cell.grain][cell.start]] = (value, told.n_included, told.n_excluded)
    for metric, variant, grain, start, cut, key, *figures in _rows(connection):
        if (i := at[grain].get(start)) is not None:
            value, records, left_out = figures
            series[metric, variant][grain, cut, key][i] = (value, records, left_out)
    untold = read_untold(connection, today)
    for (metric, variant), of in series.items():
        grains = {grain for grain, _, _ in of}
        its = {grain: shown for grain, shown in periods.items() if grain in grains}
        metrics[metric, variant]["cautions"] = _cautions(metric, variant, untold, its)
    targets = [
        ((metric, variant), grain, at[grain][start], cut, key, target)
        for metric, variant, grain, start, cut, key, target in _targets(connection)
        if start in at.get(grain, {})
    ]
    return Figures(periods, earlier, cuts, metrics, series, targets)


def _wanted(
    connection: duckdb.DuckDBPyConnection, at: Mapping[str, Mapping[dt.date | None, int]]
) -> list[Cell]:
    """The metrics and periods that pages have, as cells of the whole company."""
    rows = connection.execute(
        """select distinct metric, variant, period_grain, period_start
        from marts.kpi_values semi join wanted using (metric, variant)
        where period_start is not null"""
    ).fetchall()
    return [Cell(*row) for row in rows if row[3] in at.get(row[2], {})]


def _pair_keys(
    connection: duckdb.DuckDBPyConnection, pair: tuple[str, str], keys: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """The keys of pairs with their names."""
    labels = {
        (cut, key): label
        for cut, key, label in connection.execute(
            """select dimension, dimension_key, max(dimension_label)
            from marts.kpi_values where list_contains(?, dimension) group by all""",
            [list(pair)],
        ).fetchall()
    }
    return [
        (
            JOINED.join(key),
            " · ".join(labels.get(it, it[1]) for it in zip(pair, key, strict=True)),
        )
        for key in keys
    ]


def _metrics(connection: duckdb.DuckDBPyConnection) -> dict[Named, dict[str, Any]]:
    """What is said of each metric that has any number."""
    rows = connection.execute(
        """select metric, variant, unit, kind, state, definition, formula, better, owner
        from wanted
        inner join marts.kpi_variants using (metric, variant)
        inner join marts.kpi_definitions using (metric, variant)
        where exists (
            select 1 from marts.kpi_values
            where kpi_values.metric = wanted.metric and kpi_values.variant = wanted.variant
        )
        order by metric, variant"""
    ).fetchall()
    said = ("metric", "variant", "unit", "kind", "state", "definition", "formula", "better")
    return {
        (metric, variant): {
            **dict(zip(said, (metric, variant, *rest), strict=False)),
            "ripens": (metric, variant) in RIPENING,
        }
        for metric, variant, *rest in rows
    }


def _cautions(
    metric: str, variant: str, untold: Untold, periods: Mapping[str, Sequence[Period]]
) -> list[dict[str, Any]]:
    """What is to be said where a metric rests on what is not told, by grain from which period on.

    Costs have no channel: a channel's own numbers rest on ad spend alone.
    """
    found: dict[Told, dict[str, int]] = {}
    for grain, of_grain in periods.items():
        for i, period in enumerate(of_grain):
            for told in untold.of(metric, grain, period.start, variant):
                found.setdefault(told, {}).setdefault(grain, i)
    return [
        {"said": caution(metric, told), "from": starts, "of_channels": not told.is_monthly}
        for told, starts in found.items()
    ]


def _periods(
    connection: duckdb.DuckDBPyConnection, today: dt.date
) -> tuple[dict[str, list[Period]], dict[str, int]]:
    """The periods of each grain that pages have, and how many there are before these."""
    calendar = Calendar.of(connection)
    periods: dict[str, list[Period]] = {grain: [] for grain in GRAINS}
    for grain, start in connection.execute(
        """select distinct period_grain, period_start
        from marts.kpi_values semi join wanted using (metric, variant)
        where period_start is not null
        order by period_grain, period_start"""
    ).fetchall():
        end = Cell("", grain=grain, start=start).end
        assert end is not None
        periods[grain].append(Period(start, calendar.write(grain, start), end <= today))
    earlier = {
        grain: max(sum(it.start is not None and it.start <= today for it in of) - LAST[grain], 0)
        for grain, of in periods.items()
    }
    shown = {grain: of[earlier[grain] :] for grain, of in periods.items()}
    return shown | {ALL_TIME: [Period(None, ALL_TIME, True)]}, earlier | {ALL_TIME: 0}


def _cuts(connection: duckdb.DuckDBPyConnection) -> list[Cut]:
    """The cuts with their keys; those of them that pages have stay in the table `shown`."""
    connection.execute(
        """create or replace temp table shown as
        select
            dimension,
            dimension_key,
            max(dimension_label) as label,
            row_number() over (
                partition by dimension order by sum(n_included) desc, dimension_key
            ) as place,
            count(*) over (partition by dimension) as n_of_all
        from marts.kpi_values semi join wanted using (metric, variant)
        where period_grain = 'all' and list_contains(?, dimension)
        group by dimension, dimension_key
        qualify place <= ?""",
        [list(CUTS), TOP],
    )
    keys: dict[str, list[tuple[str, str]]] = {cut: [] for cut in CUTS}
    of_all: dict[str, int] = {}
    for cut, key, label, n_of_all in connection.execute(
        "select dimension, dimension_key, label, n_of_all from shown order by dimension, place"
    ).fetchall():
        keys[cut].append((key, "Whole company" if cut == COMPANY else label))
        of_all[cut] = n_of_all
    return [Cut(cut, keys[cut], of_all[cut] - len(keys[cut])) for cut in CUTS if keys[cut]]


def _rows(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    """What `kpi_values` says of the keys that are shown."""
    found = connection.execute(
        f"""select
            metric, variant, period_grain, period_start, dimension, dimension_key,
            round(value, {PLACES}), n_included, n_excluded
        from marts.kpi_values
        semi join wanted using (metric, variant)
        semi join shown using (dimension, dimension_key)
        where
            period_start is not null
            or (metric, variant) not in (
                select (metric, variant) from marts.kpi_values where period_start is not null
            )"""
    )
    while rows := found.fetchmany(100_000):
        yield from rows


def _targets(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """What is to be reached; of several goals for the same the one that asks most.

    A quota is none: only deals that it covers count against it, and the number is of all.
    """
    return connection.execute(
        """select metric, variant, period_grain, period_start, dimension, dimension_key, target
        from marts.mart_goal_progress
        semi join wanted using (metric, variant)
        where target is not null and kind_of_goal = 'goal' and better in ('up', 'down')
        qualify row_number() over (
            partition by metric, variant, period_grain, period_start, dimension, dimension_key
            order by case better when 'down' then target else -target end
        ) = 1
        order by all"""
    ).fetchall()


def _packed(series: Series | None) -> list[Any] | int:
    """A series by position; 0 where there is none."""
    if not series:
        return 0
    first = min(series)
    of = [series.get(i, (None, None, 0)) for i in range(first, max(series) + 1)]
    values, records, left_out = (list(part) for part in zip(*of, strict=True))
    return [first, values, records, left_out if any(left_out) else 0]
