"""SQL of company.yml that reaches for what is not its own, or never ends."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from dagster_project.run.dbt_runner import Dbt
from ingestion.company.reading import load_company
from ingestion.errors import CompanyError, SalesopsError, SourceError
from ingestion.paths import PROJECT
from ingestion.pipeline import check, load_source
from ingestion.sources.files import confinement
from ingestion.sources.files.confinement import SECONDS, bounded, confine
from ingestion.sources.files.parsing import words
from ingestion.warehouse.duckdb_sql import MEMORY_LIMIT, literal
from tests.compiled_models import NEVER
from tests.faults.attacks import bites, held, replaced
from tests.ingestion.conftest import Exports
from tests.macros import made_by_macro
from tests.runs import run
from tests.thorough import thorough

READS = "SQL that reads files past the views"
LEADS_OUT = "links, patterns and .. that lead out of a source's folder"
INSTALLS = "SQL that installs, loads, attaches or writes"
NEVER_ENDS = "SQL that never ends"
TAKES_ALL = "SQL that takes all memory"
INJECTS = "text of company.yml that would be SQL of dbt"

PEOPLE = {"source_id": "id", "name": "name"}
STATIC_GUARD = "ingestion.sources.files.catalog:strange_reads"

ENDLESS = """
    with recursive more as (select 1 as n union all select n from more)
    select p.id, p.name, (select count(*) from more) as n from people as p
"""
CROSS = """
    select p.id, p.name from people as p
    where (select sum(a.range * b.range) from range(3000000) a, range(3000000) b) > p.id
"""
RANGE = "select range as id, 'x' as name from range(1000000000000)"


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Exports:
    """A company with one small export, beside a file that is not its own."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    exports = Exports(tmp_path)
    exports.write("people.csv", "id,name\n1,Ann\n")
    exports.write("../secret.csv", "id,name\n9,Secret\n")
    return exports


def users(from_: str, **columns: Any) -> dict[str, Any]:
    return {"users": {"from": from_, "columns": {**PEOPLE, **columns}}}


def rows(exports: Exports, entities: dict[str, Any], **source: Any) -> int:
    """How many users a load would take; it writes none."""
    (checked,) = check(exports.company(entities, **source))
    assert not checked.problems
    return checked.tables[0].load.rows


def in_a_process(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python where its end, and what it has of memory, are its own."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def refusal(exports: Exports, entities: dict[str, Any], **source: Any) -> str:
    """What is said where a load is refused."""
    with pytest.raises(SalesopsError) as error:
        exports.load(entities, **source)
    return str(error.value)


@held(READS)
@pytest.mark.parametrize(
    "call",
    [
        "read_csv('/etc/passwd')",
        "read_text('../secret.csv')",
        "read_blob('/proc/self/environ')",
        "read_parquet('/etc/passwd')",
        "read_duckdb('/etc/passwd')",
        "sniff_csv('/etc/passwd')",
        "glob('/etc/*')",
        "query('from read_text(''/etc/passwd'')')",
        "json_execute_serialized_sql('')",
        "duckdb_settings()",
        "pragma_user_agent()",
    ],
)
@pytest.mark.parametrize(
    "sql",
    [
        "select * from {call}",
        "with p as (select * from {call}) select * from p",
        "select *, (select count(*) from {call}) as n from people",
        "from people where exists (from {call})",
        "from people union all by name from {call}",
    ],
)
def test_a_from_calls_nothing_that_reads(people: Exports, call: str, sql: str) -> None:
    with pytest.raises(CompanyError) as error:
        people.company(users(sql.format(call=call)))
    said = str(error.value)
    assert "sources.0 (crm).entities.users.from" in said
    assert f"{call.partition('(')[0]}(…) is read past the views" in said
    assert "views: {deals: {glob: 'deals_*.csv'}}" in said


@held(READS)
@pytest.mark.parametrize(
    "expression",
    [
        "getenv('HOME')",
        "read_text('/etc/passwd')",
        "(select content from read_text('/etc/passwd'))",
        "current_setting('temp_directory')",
        "list_transform([1], lambda x: getenv('HOME'))[1]",
    ],
)
def test_an_expression_calls_nothing_that_reads(people: Exports, expression: str) -> None:
    said = refusal(people, users("people", team=expression))
    assert "entities.users.columns.team" in said
    function = expression.partition("('")[0].rpartition(" ")[2]
    assert f"{function}(…) is read beside the rows of 'from'" in said
    assert "a file is read as a view" in said
    in_from = refusal(people, users(f"select *, {expression} as n from people"))
    assert f"{function}(…) is read past the views" in in_from


@held(READS)
@pytest.mark.parametrize(
    "sql",
    [
        "from '/etc/passwd'",
        "from '../secret.csv'",
        'from "/etc/passwd"',
        "with people as (from people) from '/etc/passwd'",
        "from (describe people)",
        "from (show databases)",
        "from (summarize people)",
        "from main.people",
        "from duckdb_settings",
        'from "§mapped users"',
    ],
)
def test_a_from_names_nothing_but_files_of_its_folder(people: Exports, sql: str) -> None:
    with pytest.raises(CompanyError, match=r"entities\.users\.from"):
        people.company(users(sql))


@held(READS)
@pytest.mark.parametrize(
    "sql",
    [
        "from read_csv('/etc/passwd', header = false, delim = ':')",
        "from read_text('{root}/secret.csv')",
        "from read_csv('{root}/exports/../secret.csv')",
        "from read_csv('{root}/exports/other.csv')",
        "from glob('/etc/*')",
        "from read_blob('/proc/self/environ')",
        "from sniff_csv('/etc/passwd')",
    ],
)
def test_duckdb_refuses_what_the_syntax_did_not_show(people: Exports, sql: str) -> None:
    people.write("other.csv", "id,name\n7,Other\n")
    with replaced(STATIC_GUARD, ()):
        said = refusal(people, users(sql.replace("{root}", str(people.root))))
    assert "sources.crm.entities.users.from: Permission Error: Cannot access" in said


@bites(READS)
def test_files_are_read_where_neither_syntax_nor_duckdb_refuses(people: Exports) -> None:
    with ExitStack() as off:
        off.enter_context(replaced(STATIC_GUARD, ()))
        off.enter_context(replaced("ingestion.sources.files.extraction:confine"))
        people.load(users(f"from read_csv('{people.root}/secret.csv')"))
        assert people.rows("select name from raw_files.users") == [{"name": "Secret"}]


@pytest.fixture
def outside(people: Exports) -> Path:
    """A folder beside that of the source."""
    people.write("../outside/deals.csv", "id,name\n8,Outside\n")
    return people.root / "outside"


@held(LEADS_OUT)
@pytest.mark.parametrize(
    "from_", ["../secret.csv", "../outside/*", "../../../**/*", "linked", "linked.csv", "link*",
              "way/*.csv", "*/*.csv", "from linked", "from 'linked.csv'", "from 'way/deals.csv'"]
)  # fmt: skip
def test_nothing_leads_out_of_the_folder(people: Exports, outside: Path, from_: str) -> None:
    (people.folder / "linked.csv").symlink_to("../outside/deals.csv")
    (people.folder / "way").symlink_to(outside)
    said = refusal(people, users(from_))
    assert f"leads out of {people.folder}" in said
    assert "users.from" in said
    assert "say in 'path' which folder holds this one" in said


@held(LEADS_OUT)
@pytest.mark.parametrize("pattern", ["../secret.csv", "linked*", "../*/deals.csv", "x/../../*"])
def test_no_view_leads_out_of_the_folder(people: Exports, outside: Path, pattern: str) -> None:
    (people.folder / "linked.csv").symlink_to(outside / "deals.csv")
    said = refusal(people, users("seen"), views={"seen": {"glob": pattern}})
    assert f"leads out of {people.folder}" in said
    assert "views.seen.glob" in said


@held(LEADS_OUT)
def test_a_file_that_becomes_a_link_once_it_is_checked_is_not_read(
    people: Exports, outside: Path
) -> None:
    linked = people.write("linked.parquet", b"")
    company = people.company(users("linked"))
    duckdb.sql(f"copy (select 8 as id, 'Out' as name) to '{outside}/deals.parquet'")

    def swapped(connection: Any, files: Any, folders: Any) -> None:
        confine(connection, files, folders)
        linked.unlink()
        linked.symlink_to(outside / "deals.parquet")

    with (
        replaced("ingestion.sources.files.extraction:confine", swapped),
        pytest.raises(SourceError, match="Permission Error"),
    ):
        load_source(company, company.sources[0])


@held(LEADS_OUT)
@pytest.mark.parametrize("path", ["outside", "../{name}/outside", "{root}/outside", "linked"])
def test_a_path_may_lie_anywhere(people: Exports, outside: Path, path: str) -> None:
    """The owner's own words: it is what they name that may not lie elsewhere."""
    (people.root / "linked").symlink_to(outside)
    (outside / "again.csv").symlink_to("deals.csv")
    stated = path.format(name=people.root.name, root=people.root)
    for from_ in ("deals", "again", "from 'deals.csv'", "d*.csv"):
        assert rows(people, users(from_), path=stated) == 1
    assert rows(people, users("outside/deals.csv"), path=".") == 1


@bites(LEADS_OUT)
@pytest.mark.parametrize("from_", ["linked", "way/*.csv"])
def test_a_link_is_followed_where_nobody_looks(people: Exports, outside: Path, from_: str) -> None:
    (people.folder / "linked.csv").symlink_to("../secret.csv")
    (people.folder / "way").symlink_to(outside)
    with replaced("ingestion.sources.files.catalog:leads_out", False):
        assert rows(people, users(from_)) == 1


STATEMENTS = {
    "install httpfs": "Cannot access|disabled",
    "load httpfs": "disabled",
    "attach '{root}/x.db' as x": "Cannot access",
    "copy (select 1) to '{root}/x.csv'": "Cannot access",
    "export database '{root}/x'": "Cannot access|locked",
    "set memory_limit = '1TB'": "locked",
    "set enable_external_access = true": "locked",
    "set allowed_paths = ['/etc/passwd']": "locked",
    "reset lock_configuration": "locked",
    "set profiling_output = '{root}/x'": "locked",
}


@held(INSTALLS)
@pytest.mark.parametrize("statement", [*STATEMENTS, "drop table x", "create table x as select 1"])
def test_only_one_select_is_taken(people: Exports, statement: str) -> None:
    sql = statement.replace("{root}", str(people.root))
    for text in (sql, f"from people; {sql}", f"{sql}; from people"):
        with pytest.raises(CompanyError, match=r"users\.from .*(not valid SQL|no such file)"):
            people.company(users(text))
    for text in (f"id; {sql}", f"1) from people; {sql}; select (1", f"(select 1); {sql}"):
        with pytest.raises(SalesopsError, match=r"columns\.team"):
            people.load(users("people", team=text))


@held(INSTALLS)
@pytest.mark.parametrize(
    "expression", ["1) where (true", "1) order by (1", "1), (2", "1) limit (1", "1) from (select 1"]
)
def test_an_expression_is_no_more_than_one(people: Exports, expression: str) -> None:
    assert "expected one expression" in refusal(people, users("people", team=expression))


@held(INSTALLS)
@pytest.mark.parametrize(("statement", "said"), STATEMENTS.items())
def test_a_confined_connection_refuses_statements(
    tmp_path: Path, statement: str, said: str
) -> None:
    with duckdb.connect() as connection:
        confine(connection, [tmp_path / "people.csv"], [tmp_path])
        confined = statement.replace("{root}", str(tmp_path.parent))
        with pytest.raises(duckdb.Error, match=said):
            connection.execute(confined)


@held(INSTALLS)
def test_what_needs_an_extension_is_not_fetched(people: Exports) -> None:
    said = refusal(people, users("people", team="text(1, '0')"))
    assert "columns.team" in said
    assert "extension" in said
    assert "download" not in said


@bites(INSTALLS)
def test_an_open_connection_tries_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect(config={"custom_extension_repository": "http://127.0.0.1:9"}) as connection:
        with pytest.raises(duckdb.Error, match=r"Failed to download .*127\.0\.0\.1:9"):
            connection.execute("select text(1, '0')")
        confine(connection)
        with pytest.raises(duckdb.CatalogException, match="exists in the excel extension"):
            connection.execute("select text(1, '0')")


def test_names_of_files_are_allowed_as_they_are(people: Exports) -> None:
    for name in ("a [1]*?.csv", "it's {x}.csv", "50%, ä.csv"):
        people.write(f"odd/{name}", "id,name\n1,Ann\n2,Bob\n")
        assert rows(people, users("select * from odd"), views={"odd": {"glob": "odd/*"}}) == 2
        (people.folder / "odd" / name).unlink()


@held(READS)
def test_variables_of_python_are_no_tables() -> None:
    secrets = pa.table({"name": ["Secret"]})
    with duckdb.connect() as connection:
        assert connection.execute("from secrets").fetchall() == [("Secret",)]
        confine(connection)
        with pytest.raises(duckdb.CatalogException, match="secrets does not exist"):
            connection.execute("from secrets")
    assert secrets.num_rows == 1


@held(NEVER_ENDS)
@pytest.mark.parametrize("sql", [ENDLESS, CROSS, RANGE])
def test_sql_ends_with_its_time(people: Exports, monkeypatch: pytest.MonkeyPatch, sql: str) -> None:
    monkeypatch.setenv(SECONDS, "1")
    said = refusal(people, users(sql))
    assert "company.yml: sources.crm.entities.users.from: this SQL took longer than 1 sec" in said
    assert f"{SECONDS} in the environment gives it more" in said


@pytest.mark.parametrize("said", ["soon", "0", "-1", "nan", "inf", "1e300"])
def test_what_is_no_time_is_said(
    people: Exports, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setenv(SECONDS, said)
    assert f"{SECONDS} = '{said}': not a number of seconds" in refusal(people, users("people"))


@held(NEVER_ENDS)
@pytest.mark.parametrize(
    "expression",
    [
        "(select count(*) from range(3000000) a, range(3000000) b where a.range < b.range + id)",
        "(with recursive m as (select 1 n union all select n from m) select count(*) from m)",
    ],
)
def test_an_expression_ends_with_its_time(
    people: Exports, monkeypatch: pytest.MonkeyPatch, expression: str
) -> None:
    monkeypatch.setenv(SECONDS, "1")
    said = refusal(people, users("people", team=expression))
    assert "sources.crm.entities.users: this SQL took longer than 1 seconds" in said


@thorough
@held(NEVER_ENDS)
def test_a_run_ends_with_the_time_of_its_sql(
    people: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECONDS, "1")
    company = people.company(users(ENDLESS))
    ended = run(company.path, people.root / "data")
    assert ended.returncode == 2
    assert "sources.crm.entities.users.from: this SQL took longer than 1 seconds" in ended.stderr
    assert not list((people.root / "data").rglob("published*"))


DEAF = """
import sys
from pathlib import Path
from ingestion.company.reading import load_company
from ingestion.pipeline import check, load_source
from ingestion.sources.files import confinement
confinement.GRACE = 1
company = load_company(Path(sys.argv[1]))
load_source(company, company.sources[0])
"""


@held(NEVER_ENDS)
def test_a_function_that_does_not_heed_its_end_ends_the_process(
    people: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECONDS, "1")
    company = people.company(
        users("people", team="levenshtein(repeat(name, 900000), repeat('xyz', 900000))::text")
    )
    ended = in_a_process(DEAF, str(company.path))
    assert ended.returncode == 2
    assert "sources.crm.entities.users: this SQL took longer than 1 seconds" in ended.stderr


@held(NEVER_ENDS)
@pytest.mark.parametrize(
    ("text", "depth"), [("abs({})", 900), ("(select {})", 150), ("{} || 'x'", 700), ("[{}]", 900)]
)
def test_sql_that_is_nested_too_deeply_is_said_to_be(
    people: Exports, text: str, depth: int
) -> None:
    expression = "name"
    for _ in range(depth):
        expression = text.format(expression)
    said = refusal(people, users("people", team=expression))
    assert "columns.team" in said
    assert "nested too deeply" in said


@bites(NEVER_ENDS)
def test_nothing_else_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect() as connection:
        confine(connection)
        later = threading.Timer(3, connection.interrupt)
        later.start()
        monkeypatch.setenv(SECONDS, "1000000")
        with pytest.raises(duckdb.InterruptException), bounded(connection, "users"):
            connection.execute("create table x as " + RANGE)
        assert later.finished.is_set()


@held(TAKES_ALL)
@pytest.mark.parametrize(
    "sql",
    [
        "select range as id, repeat(md5(range::text), 100) as name from range(100000000)",
        "select id, repeat(name, 1300000000) as name from people",
        "select id, list_sum(range(900000000))::text as name from people",
        "select 1 as id, string_agg(repeat('x', 1000000), '') as name from range(4000)",
    ],
)
def test_sql_has_so_much_memory(people: Exports, monkeypatch: pytest.MonkeyPatch, sql: str) -> None:
    monkeypatch.setenv(MEMORY_LIMIT, "400MB")
    monkeypatch.setattr(confinement, "_free", lambda folder: 50_000_000)
    said = refusal(people, users(sql))
    assert "company.yml: sources.crm.entities.users.from: this SQL needs more memory" in said
    assert f"{MEMORY_LIMIT} in the environment gives it more" in said


@held(TAKES_ALL)
def test_memory_is_given_back_to_what_comes_after(
    people: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MEMORY_LIMIT, "400MB")
    refusal(people, users("people", team="repeat(name, 1300000000)"))
    assert rows(people, users("people")) == 1
    assert len(bytearray(600_000_000)) == 600_000_000


@held(TAKES_ALL)
@pytest.mark.parametrize("column", ["error(repeat(name, 3000000))", "repeat(name, 3000000)::int"])
def test_an_error_is_as_long_as_somebody_reads(people: Exports, column: str) -> None:
    assert len(refusal(people, users(f"select id, {column} as name from people"))) < 5_000


HUNGRY = """
import os, sys
from contextlib import nullcontext
import duckdb
from ingestion.errors import SourceError
from ingestion.sources.files import confinement
os.environ["SALESOPS_MEMORY_LIMIT"] = "20MB"
if sys.argv[1] == "unguarded":
    confinement._limited_memory = nullcontext
with duckdb.connect(config={"memory_limit": "20MB"}) as connection:
    try:
        with confinement.bounded(connection, "users"):
            print(*connection.execute("select length(repeat('x', 100000000))").fetchone())
    except SourceError as error:
        print(error)
"""


@bites(TAKES_ALL)
@pytest.mark.parametrize(
    ("guard", "said"), [("guarded", "needs more memory"), ("unguarded", "100000000")]
)
def test_duckdb_alone_takes_more_than_its_limit(guard: str, said: str) -> None:
    assert said in in_a_process(HUNGRY, guard).stdout


HOSTILE = [
    "o1'); drop table marts.kpi_values; --",
    "'",
    "''",
    "\\'",
    "{{ env_var('HOME') }}",
    "{% do run_query('drop table x') %}",
    "*/ select 1 /*",
    "a\nb\u2028",
]
WORDS = ["subscription_statuses", "invoice_statuses", "cost_teams"]
"""Settings whose words are the company's own."""
HOSTILE_WORDS = dict.fromkeys(HOSTILE, "counts")


@held(INJECTS)
def test_ids_stay_ids_in_the_sql_of_dbt() -> None:
    sql = made_by_macro("is_personal", "id", variables={"personal_quotas": HOSTILE})
    with duckdb.connect() as connection:
        ids = ", ".join(f"({literal(id_)})" for id_ in [*HOSTILE, "o2"])
        found = connection.execute(f"select id, {sql} from (values {ids}) as ids(id)").fetchall()
    assert found == [*((id_, True) for id_ in HOSTILE), ("o2", False)]


@held(INJECTS)
@pytest.mark.parametrize("setting", WORDS)
def test_words_stay_words_in_the_sql_of_dbt(setting: str) -> None:
    """They and ids are the only text of company.yml that models take as it is written."""
    sql = made_by_macro("said_of", setting, "word", variables={setting: HOSTILE_WORDS})
    with duckdb.connect() as connection:
        words = ", ".join(f"({literal(word)})" for word in [*HOSTILE, "other"])
        found = connection.execute(f"select word, {sql} from (values {words}) as words(word)")
        assert found.fetchall() == [*((word, "counts") for word in HOSTILE), ("other", None)]


@thorough
@held(INJECTS)
def test_dbt_renders_neither_ids_nor_words(people: Exports) -> None:
    people.settings["personal_quotas"] = HOSTILE
    people.settings["marketing"] = {"cost_teams": dict.fromkeys(HOSTILE, "sales")}
    dbt = Dbt.of(people.company(users("people")))
    sql = dbt.compiled(["fct_quotas", "fct_costs"], NEVER)
    assert f"({', '.join(map(literal, HOSTILE))})" in sql["fct_quotas"]
    assert [f"trim({literal(word)})" in sql["fct_costs"] for word in HOSTILE] == [True] * 8


@held(INJECTS)
def test_all_else_that_dbt_takes_is_one_of_a_list(people: Exports) -> None:
    finance = {"subscription_statuses": HOSTILE_WORDS, "invoice_statuses": HOSTILE_WORDS}
    teams = dict.fromkeys(HOSTILE, "sales")
    people.settings.update(personal_quotas=HOSTILE, name=HOSTILE[0], finance=finance)
    people.settings["marketing"] = {"cost_teams": teams}
    company = people.company(users("people"))
    variables = Dbt.of(company).variables
    assert variables.pop("personal_quotas") == HOSTILE
    assert [variables.pop(setting) for setting in WORDS] == [*finance.values(), teams]
    assert [text for text in words(variables) if not re.fullmatch(r"[\w/+-]+", text)] == []
    assert re.fullmatch(r"\w+", company.slug)


@held(INJECTS)
@pytest.mark.parametrize("key", ["currency", "timezone", "closing", "team"])
@pytest.mark.parametrize("value", HOSTILE)
def test_a_setting_takes_no_sql(people: Exports, key: str, value: str) -> None:
    people.settings[key] = value
    with pytest.raises(CompanyError, match=key):
        people.company(users("people"))


@held(INJECTS)
@pytest.mark.parametrize("value", HOSTILE)
def test_a_source_is_not_called_as_sql(people: Exports, value: str) -> None:
    with pytest.raises(CompanyError, match="name"):
        people.company(users("people"), name=value)


@held(INJECTS)
@pytest.mark.parametrize("written", ['"a\\0b"', '"\\ud800"'])
def test_what_is_no_text_is_in_no_setting(people: Exports, written: str) -> None:
    """SQL would end at it, or could not be handed over."""
    path = people.company(users("people")).path
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}\npersonal_quotas: [{written}]\n", encoding="utf-8")
    with pytest.raises(CompanyError, match=r"line \d+: not valid YAML: .* is no text"):
        load_company(path)


@bites(INJECTS)
def test_an_id_becomes_sql_where_its_quotes_are_not_doubled() -> None:
    injected = "o1') or true --"
    doubled = made_by_macro("is_personal", "id", variables={"personal_quotas": [injected]})
    with duckdb.connect() as connection:
        for sql, is_true in ((doubled, False), (doubled.replace("'')", "')"), True)):
            (found,) = connection.execute(f"select {sql}\nfrom (select 'o2' as id)").fetchall()
            assert found == (is_true,)
