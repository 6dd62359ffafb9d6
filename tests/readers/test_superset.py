"""Superset, in an environment of its own, reads what is published, and sees when that changes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from tests.conftest import Publish
from tests.kpis.companies import Published
from tests.readers.venvs import own, python, told, venv
from tests.thorough import thorough

PACKAGES = (
    "apache-superset==6.1.0",
    "duckdb-engine==0.17.0",
    # Superset imports them and does not ask for them, or not for the version that it works with.
    "cachetools",
    "flask-caching==2.3.1",
    "rich",
)
COMMAND = "from superset.cli.main import superset; superset()"
SESSION = Path(__file__).with_name("superset_session.py")
QUARTERS = """
    select epoch_ms(period_start)::double as period_start, value as deals from marts.kpi_values
    where metric = 'deals_won' and variant = 'default' and period_grain = 'quarter'
        and dimension = 'company'
    order by period_start"""


def settings(folder: Path) -> dict[str, str]:
    """What tells Superset that all it keeps is in a folder."""
    config = folder / "superset_config.py"
    config.write_text(
        'SECRET_KEY = "a key of a test, of no worth to anybody"\n'
        f'SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"\n'
        "WTF_CSRF_ENABLED = TALISMAN_ENABLED = False\n",
        encoding="utf-8",
    )
    return {"SUPERSET_CONFIG_PATH": str(config), "SUPERSET_HOME": str(folder)}


def set_up(folder: Path) -> None:
    """Make Superset's own database, which takes a minute."""
    home = folder / "home"
    home.mkdir()
    for command in (["db", "upgrade"], ["init"]):
        done = subprocess.run(
            [python(folder), "-c", COMMAND, *command],
            capture_output=True,
            text=True,
            env=own(**settings(home)),
        )
        assert done.returncode == 0, done.stderr


def publication(company: Published, folder: Path, more: int) -> None:
    """A copy of the published file in which every quarter has more deals."""
    folder.mkdir()
    file = folder / "salesops.duckdb"
    shutil.copy(company.folder / "published" / "salesops.duckdb", file)
    file.chmod(0o644)
    with duckdb.connect(file) as connection:
        connection.execute(f"update marts.kpi_values set value = value + {more}")
    file.chmod(0o444)


@thorough
@pytest.mark.timeout(3600)
def test_superset_lists_charts_and_sees_a_swap(published: Publish, tmp_path: Path) -> None:
    company = published("edge_cases")
    for name, more in (("one", 0), ("two", 1000)):
        publication(company, tmp_path / name, more)
    (tmp_path / "published").symlink_to("one")
    folder = venv("superset", PACKAGES, set_up)
    shutil.copytree(folder / "home", tmp_path / "home")
    asked = (SESSION.read_text(encoding="utf-8"), tmp_path / "published", "two")
    seen = json.loads(told(folder, *asked, **settings(tmp_path / "home")).splitlines()[-1])

    assert "salesops.marts" in seen["schemas"]
    tables = company.marts(
        "select table_name from duckdb_tables() union select view_name from "
        "duckdb_views() where schema_name = 'marts'"
    )
    assert set(seen["tables"]) == set(tables["table_name"])
    comments = company.marts(
        "select column_name, comment from duckdb_columns() where table_name = 'kpi_values'"
    )
    words = dict(zip(comments["column_name"], comments["comment"], strict=True))
    assert seen["descriptions"] == words
    quarters = company.marts(QUARTERS).to_dict("records")
    assert len(quarters) > 3
    assert seen["before"] == quarters
    assert seen["after"] == [{**it, "deals": it["deals"] + 1000} for it in quarters]
