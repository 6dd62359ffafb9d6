"""The UI in a real browser, and pages of others beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Publish
from tests.faults.attacks import bites, held
from tests.faults.browser import ATTACKS, require_browser, shown, visited
from tests.faults.test_ui_gate import FOREIGN_PAGE, REBINDING, Server, deletion, serving
from tests.orchestration.copies import Copy
from tests.orchestration.uis import opened
from tests.thorough import thorough

pytestmark = thorough

REFUSED_BY_BROWSERS = {"json"}
"""What a browser asks permission for, which Dagster does not give."""

LAUNCH = """mutation {
  launchRun(executionParams: {
    selector: {
      repositoryName: "__repository__"
      repositoryLocationName: "dagster_project.definitions"
      jobName: "daily"
    }
    runConfigData: {}
  }) { __typename }
}"""


@pytest.fixture(params=[True, False], ids=["gated", "bare"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    require_browser()
    with serving(tmp_path, gate=request.param) as server:
        yield server


def attacked(server: Server, host: str) -> tuple[set[str], dict[str, bool]]:
    """The attacks that succeeded, and what the page got to see."""
    runs = {name: server.run() for name in ATTACKS}
    mutations = {name: deletion(run) for name, run in runs.items()}
    report = visited(host, f"http://127.0.0.1:{server.port}/graphql", mutations)
    return {name for name, run in runs.items() if not server.has(run)}, report


@pytest.mark.parametrize("server", [True], indirect=True)
@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1"])
@held(FOREIGN_PAGE)
def test_no_page_of_another_origin_gets_anything_done(server: Server, host: str) -> None:
    succeeded, report = attacked(server, host)
    assert succeeded == set()
    assert report == {"answered": False, "json": False, "socket": False}


@pytest.mark.parametrize("server", [False], indirect=True)
@bites(FOREIGN_PAGE)
def test_any_page_gets_done_what_it_likes(server: Server) -> None:
    succeeded, report = attacked(server, "evil.example")
    assert set(ATTACKS) - succeeded <= REFUSED_BY_BROWSERS | {"frame", "form by get"}
    assert report["socket"]


@pytest.mark.parametrize("server", [True], indirect=True)
@held(REBINDING)
def test_a_page_whose_name_leads_here_sees_nothing(server: Server) -> None:
    assert "not served under that name" in shown(f"http://rebound.example:{server.port}/", 1)


@pytest.mark.parametrize("server", [False], indirect=True)
@bites(REBINDING)
def test_a_page_whose_name_leads_here_would_see_everything(server: Server) -> None:
    assert "Dagster" in shown(f"http://rebound.example:{server.port}/", 1)


@held(FOREIGN_PAGE)
def test_the_ui_works_for_its_user_and_launches_nothing_for_others(
    published: Publish, tmp_path: Path
) -> None:
    require_browser()
    copy = Copy.of(published("edge_cases"), tmp_path)
    with opened(copy) as ui:
        ui.location()
        runs = ui.ask("{ runsOrError { ... on Runs { count } } }")
        target = f"http://127.0.0.1:{ui.port}/graphql"
        visited("evil.example", target, dict.fromkeys(ATTACKS, LAUNCH))
        assert ui.ask("{ runsOrError { ... on Runs { count } } }") == runs
        assert "every_morning" in shown(f"http://localhost:{ui.port}/automation")
