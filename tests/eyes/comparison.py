"""What a page says beside what is published."""

from __future__ import annotations

import datetime as dt
import random
import re

from tests.eyes.dashboards import Dashboard
from tests.eyes.members import MONTHS
from tests.eyes.published_numbers import CUTS, GRAINS, Number, Numbers, is_told, plain, read

TABLES = 9
"""Tables that are compared for each choice."""


def compare(dashboard: Dashboard, numbers: Numbers, chance: random.Random, cut: str = "") -> int:
    """Choose by chance what is shown, compare it, and say how many boards were compared.

    Of tables some; a cut may be given by its name in the filter.
    """
    grain = chance.choice(dashboard.choices("grain"))
    dashboard.choose(grain=grain)
    cut = cut or chance.choice(dashboard.choices("cut"))
    dashboard.choose(period=chance.choice(dashboard.choices("period")[:24]), cut=cut)
    label = None
    if CUTS.get(cut) != "company" and chance.random() < 0.7:
        label = chance.choice(dashboard.choices("key")[1:])
        dashboard.choose(key=label)
    tiles = compare_tiles(dashboard, numbers, GRAINS[grain], label)
    boards = [name for name in dashboard.boards if name.startswith(("tile-", "trend-", "bars-"))]
    for name in chance.sample(boards, min(TABLES, len(boards))):
        compare_table(dashboard, numbers, name, GRAINS[grain])
    return tiles + min(TABLES, len(boards))


def _chosen(dashboard: Dashboard, name: str) -> str:
    select = dashboard.page.locator(f"#filters select[name={name}]")
    return select.evaluate("one => one.selectedOptions[0].textContent")


def compare_tiles(dashboard: Dashboard, numbers: Numbers, grain: str, label: str | None) -> int:
    label_of_period = _chosen(dashboard, "period")
    start = numbers.period(grain, label_of_period)
    tiles = dashboard.tiles()
    for name, tile in tiles.items():
        _, metric, variant = name.split("-")
        cut = tile["cut"]
        keys = ["all"] if cut == "company" else numbers.labels(cut)[plain(label or "")]
        told = f"{name} of {grain} {start}, {cut} {label}: {tile}"
        found = [numbers.of(metric, variant, grain, cut, key).get((start, key)) for key in keys]
        value = None if tile["value"] is None else float(tile["value"])
        is_0 = (metric, variant) in numbers.adds_up
        fitting = [one for one in found if _is_same(value, one, is_0)]
        assert fitting, f"{told}, but {found}"
        number = fitting[0]
        assert is_told(tile["text"], value), told
        if number:
            assert read(tile["sample"])[0] == number.n_included, told
        if len(keys) == 1:
            earlier = (before(grain, start), keys[0])
            previous = numbers.of(metric, variant, grain, cut, keys[0]).get(earlier)
            assert _is_change(tile["change"], value, previous), f"{told}, but before it {previous}"
        targets = [
            target
            for key in keys
            for target in numbers.targets(metric, variant, grain, start, cut, key)
        ]
        assert bool(tile["target"]) == bool(targets), f"{told}, but {targets}"
        if targets:
            assert any(is_told(tile["target"], target) for target in targets), f"{told}: {targets}"
    return len(tiles)


def compare_table(dashboard: Dashboard, numbers: Numbers, name: str, grain: str) -> None:
    mark, metric, variant = name.split("-")
    cut = dashboard.board(name).get_attribute("data-cut")
    rows = dashboard.rows(name)
    title = dashboard.board(name).locator("h3").text_content()
    published = numbers.of(metric, variant, grain, cut)
    of_all_time = numbers.of(metric, variant, "all", cut)
    [header, *cells] = dashboard.downloaded(name) if rows else [("First day",)]
    first_day = header.index("First day")
    seen = set()
    for row, line in zip(rows, cells, strict=True):
        start = dt.date.fromisoformat(line[first_day]) if line[first_day] else None
        at = (start, row.key or "all")
        number = (published if start else of_all_time).get(at)
        told = f"{name} of {grain} {at}: {row}"
        if number is None:
            assert (metric, variant) in numbers.adds_up, told
            assert row.values[title] == row.values["Records"] == row.values["Left out"] == 0, told
            continue
        assert _is_same(row.values[title], number), f"{told}, but {number}"
        assert is_told(row.texts[title], number.value), told
        assert row.values["Records"] == number.n_included, f"{told}, but {number}"
        assert row.values["Left out"] == number.n_excluded, f"{told}, but {number}"
        seen.add(at)
    shown = dashboard.shown_keys(name)
    if mark == "bars":
        told = of_all_time if not numbers.has_periods(metric, variant) else published
        begin = None if told is of_all_time else numbers.period(grain, _chosen(dashboard, "period"))
        wanted = {(start, key) for start, key in told if key in shown and start == begin}
        # What is only of the present is shown as of now, whatever is chosen.
        assert wanted <= seen, f"{name}, {grain} {begin} by {cut}"
        return
    keys = {key for _, key in seen}
    starts = dashboard.starts(grain)
    of_shown = {at for at in published if at[1] in shown and at[0] in starts}
    assert rows or not of_shown or _chosen_key(dashboard), f"{name}, {grain} by {cut}"
    missing = {at for at in of_shown if at[1] in keys} - seen
    assert missing == set(), f"{name}, {grain} by {cut}"


def _chosen_key(dashboard: Dashboard) -> bool:
    """Whether one key of the cut is chosen."""
    return bool(dashboard.page.locator("#filters select[name=key]").input_value())


def before(grain: str, start: dt.date) -> dt.date:
    """The first day of the period before one."""
    if grain == "week":
        return start - dt.timedelta(days=7)
    months = start.year * 12 + start.month - 1 - MONTHS[grain]
    return dt.date(months // 12, months % 12 + 1, 1)


def _is_change(text: str, value: float | None, previous: Number | None) -> bool:
    """Whether a tile's words of its change, where it has any, are those of the two values."""
    found = re.search(r"([-+]?[\d,.]+)(%| points?)", text.replace("−", "-"))
    if not found:
        return True
    if value is None or previous is None or previous.value is None:
        return False
    told, half = read(found[0].removesuffix(found[2]) + found[2].strip(" points"))
    if told == 0 and not ("=" in text and "better" not in text and "worse" not in text):
        return False
    if found[2] != "%":
        return abs(told - 100 * (value - previous.value)) <= half + 1e-4
    return abs(told - (value - previous.value) / abs(previous.value)) <= half + 1e-6


def _is_same(value: float | None, number: Number | None, is_0: bool = False) -> bool:
    """Whether a page has what is published, to the millionth."""
    if number is None:
        return value is None or (is_0 and value == 0)
    if value is None or number.value is None:
        return value is number.value
    return abs(value - number.value) <= 1e-6 + 1e-9 * abs(value)
