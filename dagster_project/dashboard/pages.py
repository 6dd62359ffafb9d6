"""Writing the pages of a publication: each one file that needs no network and no server."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from dagster_project.dashboard.boards import PAGES, PEOPLE_PAGE, Board, Page, boards_of
from dagster_project.dashboard.bundle import Script, vega
from dagster_project.dashboard.charts import bars, trend
from dagster_project.dashboard.figures import TOP, Figures, read_figures
from dagster_project.dashboard.special.boards import SPECIAL_BOARDS
from dagster_project.dashboard.special.model import Sentence, SpecialBoard, rows_of
from dagster_project.numbers.cell import Calendar
from dagster_project.publication.manifest import PublicationError
from ingestion.company.settings import Company
from ingestion.disk.private import OTHERS, umask
from ingestion.errors import first_line
from ingestion.paths import (
    DASHBOARD,
    PEOPLE_DASHBOARD,
    PEOPLE_FILE,
    PUBLISHED_FILE,
    CompanyPaths,
)
from ingestion.warehouse.duckdb_sql import literal, workbench

if TYPE_CHECKING:
    import duckdb
    from jinja2 import Template

TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = ("format.js", "charts.js", "figures.js", "page.js")
LARGEST = 1_600_000
"""The bytes of numbers that a page may carry: of 3 MB, Vega and what is drawn take the rest."""
WHO = {
    "owner": "only for whoever runs this",
    "group": "only for the group that people.duckdb is for",
    "all": "",
}


UNDRAWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Lines and control characters: they end an expression of Vega's."""
OBJECTS_OWN = frozenset(
    "constructor hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString valueOf "
    "__defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__ __proto__".split()
)
"""What each object of a script has: Vega groups by names."""


class PageError(PublicationError):
    """A page could not be written."""


@dataclass(frozen=True)
class Edition:
    """What a publication says of itself, and of whom it is."""

    company: Company
    run_id: str
    published_at: dt.datetime
    as_of: dt.datetime
    fiscal_start: int
    has_people: bool

    @cached_property
    def local(self) -> dt.datetime:
        """The run's moment in the company's time zone."""
        return self.as_of.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(self.company.timezone))

    @property
    def today(self) -> dt.date:
        """The company's day of the run's moment, which has not ended."""
        return (self.local + dt.timedelta(microseconds=1)).date()

    @property
    def as_of_told(self) -> str:
        """The run's moment as people read it."""
        return f"{self.local:%Y-%m-%d %H:%M} {self.company.timezone}"


def write_pages(folder: Path, company: Company) -> None:
    """Write the pages of the publication in `folder`, from its files; that of people beside them.

    What is about single people is made readable for its owner only. Raises PageError, which names
    the page, and OSError and duckdb.Error where the files cannot be read or written.
    """
    with _opened(folder, CompanyPaths.of(company).root / "spill") as connection:
        for page, text in rendered(connection, company, (folder / PEOPLE_FILE).exists()):
            is_people = page.key == PEOPLE_PAGE
            with umask(OTHERS) if is_people else nullcontext():
                of = folder / (PEOPLE_DASHBOARD if is_people else DASHBOARD)
                of.mkdir(exist_ok=True)
                (of / f"{page.key}.html").write_text(text, encoding="utf-8", newline="\n")


def rendered(
    connection: duckdb.DuckDBPyConnection, company: Company, has_people: bool
) -> Iterator[tuple[Page, str]]:
    """The pages as HTML; that of people where their file is attached, as `people`."""
    edition = _edition(connection, company, has_people)
    figures = read_figures(connection, edition.today)
    from altair.utils.schemapi import debug_mode

    bundle, template = vega(CompanyPaths.of(company).root), _template()
    for page in PAGES:
        if page.key != PEOPLE_PAGE or has_people:
            try:
                # Our charts are checked by tests, and not each time that they are drawn.
                with debug_mode(False):
                    text = _page(page, edition, figures, connection, template, bundle)
            except Exception as error:
                raise PageError(
                    f"the page '{page.title}' of the dashboard could not be made "
                    f"({first_line(error)}). What was published before has not changed"
                ) from error
            yield page, text


@contextmanager
def _opened(folder: Path, spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The publication's file, with that of people attached as `people` where there is one."""
    with workbench(spill) as connection:
        connection.execute(f"attach {literal(folder / PUBLISHED_FILE)} as published (read_only)")
        if (people := folder / PEOPLE_FILE).exists():
            connection.execute(f"attach {literal(people)} as people (read_only)")
        connection.execute("use published")
        yield connection


def _edition(connection: duckdb.DuckDBPyConnection, company: Company, has_people: bool) -> Edition:
    [(run_id, published_at, as_of)] = connection.execute(
        "select run_id, published_at, as_of from marts.publication"
    ).fetchall()
    first_month = Calendar.of(connection).first_month
    return Edition(company, run_id, published_at, as_of, first_month, has_people)


def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader

    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True).get_template(
        "page.html"
    )


def _page(
    page: Page,
    edition: Edition,
    figures: Figures,
    connection: duckdb.DuckDBPyConnection,
    template: Template,
    bundle: Script,
) -> str:
    """A page as HTML."""
    from markupsafe import Markup

    boards = [it for it in boards_of(page.key) if (it.metric, it.variant) in figures.metrics]
    special = [it for it in SPECIAL_BOARDS if it.page == page.key]
    content = {
        "page": page.key,
        "locale": edition.company.locale,
        "currency": edition.company.currency,
        "timezone": edition.company.timezone,
        "as_of_told": edition.as_of_told,
        "today": edition.today.isoformat(),
        "fiscal_start": edition.fiscal_start,
        "specs": {"trend": trend(), "bars": bars()},
        "special": [_special(connection, board) for board in special],
    }
    own = Script("\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS))
    scripts = (bundle, own)
    return template.render(
        page=page,
        company=edition.company.name,
        currency=edition.company.currency,
        as_of=edition.local.isoformat(),
        as_of_told=edition.as_of_told,
        published_told=f"{edition.published_at:%Y-%m-%d %H:%M}",
        run_id=edition.run_id,
        links=_links(page, edition),
        sections=_sections(page, boards, special),
        has_filters=bool(boards),
        is_empty=bool(boards_of(page.key)) and not figures.has_records(boards),
        absent=dict.fromkeys(it.title for it in boards_of(page.key) if it not in boards),
        style=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        policy=policy(scripts),
        scripts=[Markup(script.text) for script in scripts],
        data=Markup(as_json(content | _fitting(figures, boards))),
    )


def policy(scripts: Sequence[Script]) -> str:
    """What the page may do: run these scripts, and reach nothing."""
    allowed = " ".join(f"'{script.hash}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def as_json(content: Any) -> str:
    """JSON that ends no element of a page, and no line of a script."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _fitting(figures: Figures, boards: Sequence[Board]) -> dict[str, Any]:
    """What the boards carry, of so many keys of a cut as a page has room for."""
    place = {name: i for i, name in enumerate(figures.names(boards))}
    told = [
        {
            "key": board.key,
            "title": board.title,
            "mark": board.mark,
            "metric": place[board.metric, board.variant],
            "cut": board.cut,
        }
        for board in boards
    ]
    top = TOP
    while True:
        content = figures.of(boards, top) | {"boards": told}
        if top <= 5 or len(as_json(content).encode()) <= LARGEST:
            return content
        top = top * 2 // 3


def _special(connection: duckdb.DuckDBPyConnection, board: SpecialBoard) -> dict[str, Any]:
    """A special board with its rows, by what can be chosen."""
    rows = rows_of(connection, board)
    names = list(rows[0]) if rows else []
    return {
        "key": board.key,
        "title": board.title,
        "empty": "" if rows else board.said_of_nothing(connection),
        "definition": board.definition or _comment(connection, board),
        "columns": [asdict(column) for column in board.columns],
        "choice": board.choice and asdict(board.choice),
        "names": names,
        "shown": [
            {
                "value": value,
                "rows": [[row[name] for name in names] for row in chosen],
                "spec": board.chart([{k: drawable(v) for k, v in row.items()} for row in chosen]),
                "says": _sentence(board.says(chosen)),
                "sample": _sentence(board.sampled(chosen)),
                "left_out": _sentence(board.left_out(chosen)),
            }
            for value, chosen in board.chosen(rows).items()
        ],
    }


def drawable(value: Any) -> Any:
    """A name as a chart can take it, in expressions and as a key of an object; else the value.

    `drawable` of page.js does the same to the rows.
    """
    if not isinstance(value, str):
        return value
    text = UNDRAWABLE.sub(" ", value)
    return f"\u2068{text}\u2069" if text in OBJECTS_OWN else text


def _sentence(sentence: Sentence | None) -> list[Any] | None:
    """Words as they are; a figure as value, format and unit."""
    if sentence is None:
        return None
    return [it if isinstance(it, str) else [it.value, it.format, it.unit] for it in sentence]


def _comment(connection: duckdb.DuckDBPyConnection, board: SpecialBoard) -> str:
    """What the published file says of the table that a board is of."""
    [(comment,)] = connection.execute(
        "select coalesce(max(comment), '') from duckdb_tables() where table_name = ?",
        [board.table],
    ).fetchall()
    return str(comment)


def _links(page: Page, edition: Edition) -> list[dict[str, Any]]:
    """The pages, as each finds the others."""
    links = []
    for other in PAGES:
        is_people, is_of_people = other.key == PEOPLE_PAGE, page.key == PEOPLE_PAGE
        if is_people and not edition.has_people:
            continue
        folder = PEOPLE_DASHBOARD if is_people else DASHBOARD
        links.append(
            {
                "title": other.title,
                "href": f"{'' if is_people == is_of_people else f'../{folder}/'}{other.key}.html",
                "is_this": other == page,
                "told": WHO[edition.company.audience.people] if is_people else "",
            }
        )
    return links


def _sections(
    page: Page, boards: Sequence[Board], special: Sequence[SpecialBoard]
) -> list[dict[str, Any]]:
    """The headings of a page with their tiles and boards."""
    sections: list[dict[str, Any]] = []
    for title in dict.fromkeys(board.section for board in boards):
        of = [board for board in boards if board.section == title]
        tiles = [board for board in of if board.mark == "tile"]
        sections.append(
            {"title": title, "tiles": tiles, "boards": [it for it in of if it not in tiles]}
        )
    if special:
        sections.append(
            {
                "title": page.special,
                "tiles": [],
                "boards": special,
                "is_unfiltered": bool(boards),
            }
        )
    return sections
