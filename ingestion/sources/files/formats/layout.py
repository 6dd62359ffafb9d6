"""Where the records of a table stand among its rows: below titles, above footers.

What is said here holds for text files and sheets alike. Nothing is guessed: what is not certain is
left as it is, and the user's to say (`header_row`, `skip_rows`, `footer_rows`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

SAMPLE_ROWS = 200

_NUMBER = r"[-+(]?[\d.,'\s%$€£]*\d[\d.,'\s%$€£)]*( ?[A-Z]{3})?"
_VALUE = re.compile(rf"{_NUMBER}|\d{{1,4}}[-/.]\d{{1,2}}[-/.]\d{{1,4}}.*")
"""What is a number or a date, so no name of a column."""
_PERIOD = re.compile(r"(19|20)\d\d([-/.]\d{1,2}|$)|\d{1,2}[-/.](19|20)\d\d$")
"""What is a year, a month or a day, and may name a column of targets."""

_FOOTER = re.compile(
    r"copyright\W*(\(c\)|©|\d{4})|©\W*\d{4}|\(c\)\W*\d{4}|.*\ball rights reserved"
    r"|(strictly )?confidential( information\b.*|\W*$|.*\bdo not distribute)"
    r"|(streng )?vertraulich\W*$|confidentiel\W*$|confidencial\W*$"
    r"|(report |file |data )?(generated|exported|created|printed|downloaded)"
    r" ?(by\b|on\b|at\b|from\b|:)"
    r"|(erstellt|exportiert|gedruckt|generiert) (von|am)\b|generado (por|el)\b|généré (par|le)\b"
    r"|end of (report|file|export)\b|(page|seite) \d+( (of|von|/) \d+)?$"
    r"|(total )?(number of )?(records|rows|datensätze|zeilen)( exported)?\s*[:=]\s*\d+$"
    r"|\d+ (records?|rows?|datensätze|zeilen)( exported| found)?$"
    r"|grand totals? \(\d+ records?\)$",
    re.IGNORECASE,
)
"""How reports end: rights, confidentiality, who made them and when, how many rows there are."""

TOTAL = (
    r"(?P<whose>.+ )?((grand|sub|sum)[ -]?)?(totals?|sum|summe|gesamt|gesamtsumme|zwischensumme"
    r"|gesamtergebnis|ergebnis|insgesamt|total général|total general|totale|totaal|totaux|suma"
    r"|somme|razem|итого|всего|合計|总计"
    r"|average|count|durchschnitt|mittelwert|anzahl|moyenne|promedio)"
    r"( \(\d+ \w+\))?(?P<of> (for|of|für|von) .+)?\s*:?"
)
"""What the first cell of a total says, in any case of its letters: it may say whose."""


def header_index(
    rows: Sequence[Sequence[str]], gaps: Collection[int] = (), bands: Collection[int] = ()
) -> int:
    """Which of the first rows that are not blank names the columns: 0 unless another one must.

    Cells are stripped. `gaps` are rows after a blank one, `bands` those with cells that are merged
    over several columns. A later row is the header where no row after it has more cells, its own
    are words and none of them twice, and those above it are titles (one cell, or two where it has
    many) or bands. After a gap, titles may have more cells, if fewer than most rows below it, and
    years and months are words, too.
    """
    counts = [sum(map(bool, row)) for row in rows]
    if not rows or (0 not in bands and counts[0] >= max(counts)):
        return 0
    for index in range(1, len(rows)):
        is_apart, count = index in gaps, counts[index]
        is_widest = count == max(counts[index:])
        if is_widest and _names_columns(rows[index], is_apart) and (count > 2 or is_apart):
            below = counts[index + 1 :]
            are_wider = 2 * sum(cells > max(counts[:index]) for cells in below) >= len(below) > 0
            is_below_titles = all(
                (above in bands and 3 * counts[above] <= 2 * count)
                or (counts[above] <= 2 and 2 * counts[above] <= count)
                or (is_apart and are_wider and counts[above] < count)
                for above in range(index)
            )
            return index if is_below_titles else 0
    return 0


def is_footer(rows: Sequence[Sequence[str]]) -> bool:
    """Whether rows that end a file, after a blank one, are its footer and no records.

    Each has one cell, or words that end reports; one has both.
    """
    marks = [(sum(map(bool, row)) <= 1, ends_reports(row)) for row in rows]
    return any(map(all, marks)) and all(map(any, marks))


def ends_reports(row: Sequence[str]) -> bool:
    """Whether a row's first cell that is not blank has the words that end reports."""
    return bool(_FOOTER.match(first_cell(row)))


def is_total(row: Sequence[str]) -> bool:
    """Whether a row's first cell that is not blank says that it is a total."""
    match = re.fullmatch(TOTAL, first_cell(row), re.IGNORECASE)
    return match is not None and not (match["whose"] or match["of"])


def is_somebodys_total(row: Sequence[str]) -> bool:
    """Whether a row's first cell that is not blank says that it is the total of something."""
    match = re.fullmatch(TOTAL, first_cell(row), re.IGNORECASE)
    return match is not None and bool(match["whose"] or match["of"])


def is_number(cell: str) -> bool:
    """Whether a cell is a number, however it is grouped, with or without a currency."""
    return bool(re.fullmatch(_NUMBER, cell))


def first_cell(row: Sequence[str]) -> str:
    """The first cell that is not blank, stripped."""
    return next((cell.strip() for cell in row if cell and cell.strip()), "")


def unique_names(names: Iterable[str]) -> tuple[str, ...]:
    """Column names that differ in more than case; one that has none is called by its number.

    `rowid` becomes `row_id`: DuckDB's own rowid is what tells rows from each other.
    """
    unique: dict[str, str] = {}
    for number, name in enumerate(names, start=1):
        base = given = name.strip() or f"column{number}"
        if base.lower() == "rowid":
            base = given = "row_id"
        suffix = 1
        while given.lower() in unique:
            suffix += 1
            given = f"{base}_{suffix}"
        unique[given.lower()] = given
    return tuple(unique.values())


def shown(row: Sequence[str | None], most: int = 60) -> str:
    """A row in a few words."""
    text = ", ".join(cell.strip() for cell in row if cell and cell.strip())
    return text if len(text) <= most else text[: most - 1] + "…"


def of_lines(lines: Sequence[int | None], most: int = 5) -> str:
    """The lines that something is said of: `line 3 is`, `lines 3, 4, 9 are`."""
    return f"{lines_of(lines, most)} {'is' if len(lines) == 1 else 'are'}"


def lines_of(lines: Sequence[int | None], most: int = 5) -> str:
    """Lines in words: `line 3`, `lines 3, 4, 9`."""
    if len(lines) == 1:
        return f"line {lines[0]}"
    named = ", ".join(str(line) for line in lines[:most])
    return f"lines {named}{f' and {len(lines) - most} more' if len(lines) > most else ''}"


def _names_columns(row: Sequence[str], may_be_periods: bool) -> bool:
    names = [cell.casefold() for cell in row if cell]
    values = [name for name in names if _VALUE.fullmatch(name)]
    are_periods = may_be_periods and len(values) < len(names) and all(map(_PERIOD.match, values))
    return len(names) > 1 and len(names) == len(set(names)) and (not values or are_periods)
