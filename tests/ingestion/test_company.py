"""company.yml: whatever is wrong is one error that names key, value and remedy."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ingestion.company.reading import load_company, read_company
from ingestion.errors import CompanyError
from ingestion.sources.files.settings import FilesSource

COMPANY = """\
name: Acme Ltd.
currency: USD
timezone: America/New_York
sources:
  - name: crm
    type: files
    path: exports
    views:
      all_deals: {glob: "deals*.csv"}
    entities:
      opportunities:
        from: select * from all_deals
        columns:
          source_id: id
          stage: stage
      users:
        from: people
        columns: {source_id: id, name: name}
      pipeline_stages:
        rows:
          - {stage: Open, stage_order: 1, status: open, probability: 0.5}
          - {stage: Won, stage_order: 2, status: won}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A company file beside its exports."""
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "deals.csv").write_text("id,stage\n")
    (tmp_path / "exports" / "people.csv").write_text("id,name\n")
    path = tmp_path / "company.yml"
    path.write_text(COMPANY)
    return path


def test_defaults_are_filled_in(file: Path) -> None:
    company = load_company(file)
    assert company.slug == "acme_ltd"
    assert (company.destination, company.fiscal_year_start_month) == ("duckdb", 1)
    assert company.source_types == ("files",)
    assert (company.closing, company.own_as_of) == ("record", None)
    assert (company.finance.gross_margin, company.finance.lifetime_months_max) == (None, 60)
    assert company.marketing.qualified_by == "qualified_at"


def test_inline_rows_are_text_as_written(file: Path) -> None:
    """YAML would make of it 83, 750, False and a number."""
    people = "from: people\n        columns: {source_id: id, name: name}"
    rows = (
        "rows:\n          - {source_id: 0123, name: 12:30, region: NO, team: 1_000, manager_id: ~}"
    )
    file.write_text(COMPANY.replace(people, rows))
    (source,) = load_company(file).sources
    assert isinstance(source, FilesSource)
    assert source.entities["users"].rows == (
        {"source_id": "0123", "name": "12:30", "region": "NO", "team": "1_000", "manager_id": None},
    )


def test_moments_are_the_companys_own(file: Path) -> None:
    company = load_company(file)
    assert company.moment(dt.datetime(2024, 7, 1)) == dt.datetime(2024, 7, 1, 4)
    assert company.moment(dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC)) == dt.datetime(2024, 7, 1, 12)


@pytest.mark.parametrize(
    ("zone", "day", "last"),
    [
        ("America/New_York", "2024-07-01", "2024-07-02 03:59:59.999999"),
        ("Pacific/Auckland", "2024-04-07", "2024-04-07 11:59:59.999999"),  # has 25 hours
        ("Pacific/Auckland", "2024-09-29", "2024-09-29 10:59:59.999999"),  # has 23
        ("America/Sao_Paulo", "2018-02-17", "2018-02-18 02:59:59.999999"),  # ends twice
        ("America/Sao_Paulo", "2018-11-03", "2018-11-04 02:59:59.999999"),  # no midnight follows
        ("America/Nuuk", "2024-03-30", "2024-03-31 00:59:59.999999"),  # ends at 23:00
        ("Pacific/Apia", "2011-12-29", "2011-12-30 09:59:59.999999"),  # the next day never came
    ],
)
def test_a_bare_date_is_the_last_moment_of_its_day(
    file: Path, zone: str, day: str, last: str
) -> None:
    text = COMPANY.replace("America/New_York", zone)
    for written in (day, f"'{day}'"):
        file.write_text(f"{text}as_of: {written}\n")
        company = load_company(file)
        assert company.own_as_of == dt.datetime.fromisoformat(last)
        after = local_day(company.own_as_of + dt.timedelta(microseconds=1), zone)
        assert local_day(company.own_as_of, zone) == dt.date.fromisoformat(day) < after


def local_day(moment: dt.datetime, zone: str) -> dt.date:
    return moment.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone)).date()


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2024-07-01 00:00:00", dt.datetime(2024, 7, 1, 4)),
        ("2024-07-01 18:00", dt.datetime(2024, 7, 1, 22)),
        ("2024-07-01T18:00+02:00", dt.datetime(2024, 7, 1, 16)),
        ("20240701", dt.datetime(2024, 7, 2, 3, 59, 59, 999999)),
    ],
)
def test_as_of_may_be_a_time(file: Path, written: str, moment: dt.datetime) -> None:
    file.write_text(f"{COMPANY}as_of: {written}\n")
    assert load_company(file).own_as_of == moment


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("currency: USD", "curency: USD", "curency = 'USD': unknown key; did you mean 'currency'?"),
        ("currency: USD", "", "currency: missing: this key is required"),
        ("currency: USD", "currency: US$", "currency = 'US$': not an ISO 4217 currency code"),
        ("currency: USD", "currency: USD\ncurrency: EUR", "'currency' was already written in"),
        ("currency: USD", "currency: USD\nclosing: tell", "closing = 'tell': Input should be"),
        ("currency: USD", "currency: USD\nas_of: 31.12.2017", "as_of = '31.12.2017': not a moment"),
        ("currency: USD", "currency: USD\nas_of: 1514678400", "as_of = 1514678400: not a moment"),
        ("currency: USD", "currency: USD\nas_of: 9999-12-31", "'as_of' is out of reach; write a"),
        ("York", "Yorc", "timezone = 'America/New_Yorc': not a time zone; did you mean 'America/N"),
        ("sources:", "sources: [", "not valid YAML"),
        (COMPANY, "- a", "expected keys such as name, currency"),
        (COMPANY[COMPANY.index("sources:") :], "sources: []", "at least one source is needed"),
        ("type: files", "type: file", "sources.0 (crm).type = 'file': no type of source; did you"),
        ("path: exports", "path: nowhere", "sources.0 (crm).path = 'nowhere': no such folder"),
        ("      users:", "      user:", "sources.0 (crm).entities.user: unknown entity; did you"),
        ("    entities:", "    entitys:", "sources.0 (crm).entitys"),
        ("from: people", "form: people", "sources.0 (crm).entities.users.form = 'people': unknown"),
        (
            "stage: stage",
            "stagee: stage",
            "sources.0 (crm).entities.opportunities.columns.stagee = 'stage': "
            "unknown column of opportunities; did you mean 'stage'?",
        ),
        ("          source_id: id\n", "", "opportunities.columns: 'source_id' is missing"),
        (
            "          source_id: id\n",
            "          source_id: no\n",
            "opportunities.columns.source_id = False: YAML reads no, yes, on and off as true or",
        ),
        (", name: name", "", "entities.users.columns: 'name' is missing: users need it"),
        (
            "stage: stage",
            "stage: upper(stage",
            "opportunities.columns.stage = 'upper(stage': not an SQL expression",
        ),
        ("from: people", "from: peeple", "users.from = 'peeple': no such file or view; in "),
        ("from all_deals", "from al_deals", "opportunities.from = 'select * from al_deals': no "),
        ("from all_deals", "form all_deals", "opportunities.from = 'select * form all_deals': not"),
        ("deals*.csv", "dials*.csv", "sources.0 (crm).views.all_deals.glob = 'dials*.csv': view '"),
        ("{glob:", "{globe:", "sources.0 (crm).views.all_deals.globe"),
        ("status: won", "status: wan", "pipeline_stages.rows.1: status = wan: expected one of"),
        (", status: won", "", "pipeline_stages.rows.1: status: missing, but required"),
        ("0.5", "150", "pipeline_stages.rows.0: probability = 150: expected 1 or less"),
        ("stage_order: 2", "stage_order: second", "rows.1: stage_order = second: expected a whole"),
        ("status: won", "statuss: won", "pipeline_stages.rows.1.statuss = 'won': unknown column"),
        ("stage: Won", "stage: Open", "pipeline_stages.rows.1: stage = Open: repeated"),
        ("from: people", "from: people\n        rows: []", "entities.users: give either 'from'"),
        ("path: exports", "path: exports\n    options: {encoding: utf-9}", "encoding = 'utf-9'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_located(file: Path, right: str, wrong: str, message: str) -> None:
    assert COMPANY.count(right) == 1
    file.write_text(COMPANY.replace(right, wrong))
    with pytest.raises(CompanyError) as error:
        load_company(file)
    assert message in str(error.value)
    assert all(line.startswith(str(file)) for line in str(error.value).splitlines())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("finance: {gross_margin: 80}", "finance.gross_margin = 80: Input should be less than"),
        ("finance: {gross_margin: 0}", "finance.gross_margin = 0: Input should be greater"),
        ("finance: {gross_margin: 80%}", "finance.gross_margin = '80%': Input should be a"),
        ("finance: {gros_margin: 1}", "finance.gros_margin = 1: unknown key; did you mean 'gro"),
        ("finance: {lifetime_months_max: 0}", "finance.lifetime_months_max = 0: Input should be"),
        (
            "finance: {subscription_statuses: {comped: written_off}}",
            "finance.subscription_statuses.comped = 'written_off': Input should be 'counts' or",
        ),
        (
            "finance: {invoice_statuses: {lost: yes}}",
            "finance.invoice_statuses.lost = True: Input should be 'counts', 'written_off' or",
        ),
        (
            "finance: {invoice_statuses: {In dispute: counts, in-dispute: written_off}}",
            "finance.invoice_statuses: 'In dispute' and 'in-dispute' are one word; keep one",
        ),
        (
            "marketing: {cost_teams: {Studio: finance}}",
            "marketing.cost_teams.Studio = 'finance': Input should be 'marketing', 'sales' or",
        ),
        ("marketing: {qualified_by: status}", "marketing.qualified_by = 'status': Input should"),
        ("calendar: {country: Norway}", "calendar.country = 'Norway': not a country whose holi"),
        ("calendar: {country: DE, subdivision: XX}", "calendar.subdivision = 'XX': not a subdiv"),
        ("calendar: {subdivision: BY}", "calendar.subdivision = 'BY': a subdivision is one of a"),
        ("calendar: {working_days: [monday]}", "calendar.working_days.0 = 'monday': Input should"),
        ("calendar: {working_days: [mon, mon]}", "calendar.working_days: write each day"),
        ("calendar: {working_days: []}", "calendar.working_days: write each day"),
        ("calendar: {opens: 9}", "calendar.opens = 9: not a time; write one such as"),
        ("calendar: {opens: '24:30'}", "calendar.opens = '24:30': not a time; write one such as"),
        ("calendar: {opens: 17:00, closes: '09:00'}", "calendar: 'opens' must be before 'closes'"),
        ("calendar: {working: [2024-12-25]}", "calendar: 'working' names public holidays of a c"),
        (
            "calendar: {country: DE, working: [Neujahr]}",
            "calendar: 'working': 'Neujahr' is no public holiday of DE; Allowed: Ascension Day,",
        ),
        (
            "calendar: {country: DE, holidays: [2024-12-25], working: [2024-12-25]}",
            "calendar: 2024-12-25 is in 'holidays' and in 'working'; keep one of them",
        ),
    ],
)  # fmt: skip
def test_what_no_source_tells_is_validated(file: Path, wrong: str, message: str) -> None:
    file.write_text(f"{wrong}\n{COMPANY}")
    with pytest.raises(CompanyError) as error:
        load_company(file)
    assert f"{file}: {message}" in str(error.value)


def test_a_path_may_be_in_the_companys_data_and_need_not_be_there_yet(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    file.write_text(COMPANY.replace("path: exports", 'path: "{data}/drop/crm"'))
    (source,) = load_company(file).sources
    assert isinstance(source, FilesSource)
    assert source.path == tmp_path / "data" / "acme_ltd" / "drop" / "crm"


def test_all_that_is_wrong_is_told_at_once_a_line_each(file: Path) -> None:
    """Wrong in form, in names, in expressions; in two sources, the second one without a folder."""
    text = (
        COMPANY.replace("currency: USD", "currency: US$")
        .replace("stage: stage", "stagee: stage")
        .replace("from: people", "form: people")
        .replace("status: won", "status: wan")
    )
    file.write_text(
        f"{text}  - {{name: books, type: files, path: nowhere, entities: {{bills: {{from: x}}}}}}\n"
        "  - {name: old, type: files, path: exports, entities: {bills: {from: dials}}}\n"
    )
    with pytest.raises(CompanyError) as error:
        load_company(file)
    told = [line.removeprefix(f"{file}: ") for line in str(error.value).splitlines()]
    begins = [
        "currency = 'US$': not an ISO 4217 currency code; did you mean",
        "sources.0 (crm).entities.users.form = 'people': unknown key; did you mean 'from'?",
        "sources.1 (books).path = 'nowhere': no such folder",
        "sources.0 (crm).entities.opportunities.columns.stagee = 'stage': unknown column of",
        "sources.0 (crm).entities.opportunities.columns: 'stage' is missing: opportunities need it",
        "sources.0 (crm).entities.pipeline_stages.rows.1: status = wan: expected one of open",
        "sources.2 (old).entities.bills: unknown entity; Allowed: ",
        "sources.2 (old).entities.bills.from = 'dials': no such file or view; in ",
    ]
    assert [line.startswith(begin) for line, begin in zip(told, begins, strict=True)] == [True] * 8


def test_what_is_left_can_be_checked_further(file: Path) -> None:
    """What is wrong is left out with what holds it; the others keep their names."""
    text = COMPANY.replace("stage: stage", "stage: upper(stage").replace("USD", "US$")
    file.write_text(text.replace("sources:", "sources:\n  - {name: api, type: ftp}"))
    read = read_company(file)
    assert len(read.problems) == 3
    assert read.company is not None
    (source,) = read.company.sources
    assert isinstance(source, FilesSource)
    assert (source.name, [*source.entities]) == (
        "crm",
        ["opportunities", "users", "pipeline_stages"],
    )
    assert source.entities["opportunities"].columns == {"source_id": "id"}


def test_a_file_with_nothing_right_is_only_told_of(file: Path) -> None:
    file.write_text("name: 7\nsources: [{name: x}]\ncolour: red\n")
    read = read_company(file)
    assert (read.company, len(read.problems)) == (None, 5)
    file.write_text("currency: USD\nsources: 3\n")
    assert read_company(file).company is None


def test_only_so_many_problems_are_listed(file: Path) -> None:
    file.write_text(COMPANY + "".join(f"key{number}: x\n" for number in range(60)))
    with pytest.raises(CompanyError) as error:
        load_company(file)
    lines = str(error.value).splitlines()
    assert (len(lines), lines[-1]) == (51, "… and 10 more")


def test_a_company_file_that_is_missing_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(CompanyError, match="cannot be read"):
        load_company(tmp_path / "company.yml")
    (tmp_path / "company.yml").write_bytes(b"name: \xff\n")
    with pytest.raises(CompanyError, match="not a text file in UTF-8"):
        load_company(tmp_path / "company.yml")


def test_files_that_are_there_are_named(file: Path) -> None:
    file.write_text(COMPANY.replace("from: people", "from: peeple"))
    with pytest.raises(CompanyError, match="did you mean 'people'"):
        load_company(file)
