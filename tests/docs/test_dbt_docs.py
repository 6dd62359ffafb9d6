"""`make docs`: every column has words, and the page is whole without a network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from dagster_project.cli import main
from dagster_project.commands.docs import OVERVIEW, DocsError, complete, page, write_docs
from dagster_project.commands.statuses import PUBLISHED, UNDER_WAY
from dagster_project.run.dbt_manifest import MODEL, metrics
from dagster_project.run.dbt_runner import Documented
from dagster_project.run.lock import run_lock
from ingestion.company.reading import load_company
from ingestion.paths import PROJECT, CompanyPaths
from tests.conftest import Publish
from tests.eyes.windows import CHROMIUM, chromium, opened, url
from tests.orchestration.copies import Copy

HOSTILE = "</script><script>alert(1)</script>"
GOAL = {"name": HOSTILE, "metric": "deals_won", "period": "month", "target": 5}
"""What a company may write of its own, which gets into the models' SQL."""


@pytest.fixture(scope="module")
def company(published: Publish, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """A company that has been run, with its page."""
    copy = Copy.of(published("edge_cases"), tmp_path_factory.mktemp("docs"))
    copy.settings(goals=[GOAL])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SALESOPS_DATA", str(copy.root / "data"))
        assert main(["docs", "--company", str(copy.file)]) == PUBLISHED
        yield copy


@pytest.fixture(scope="module")
def file(company: Copy) -> Path:
    return company.data / "docs" / "index.html"


@pytest.fixture(scope="module")
def shown(file: Path) -> Documented:
    """What the page has inside."""
    text = file.read_text(encoding="utf-8")
    manifest, catalog = (_inside(text, name) for name in ("manifest", "catalog"))
    return Documented(manifest, catalog, text)


def _inside(text: str, name: str) -> dict[str, Any]:
    """What the page's script is given by a name."""
    place = re.search(rf'[{{,]{name}:(?={{"metadata")', text)
    assert place is not None
    found, _ = json.JSONDecoder().raw_decode(text, place.end())
    return dict(found)


class Elements(HTMLParser):
    """The elements of a page, and the texts of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] == "script" and self.cdata_elem == "script":
            self.scripts.append(data)


def test_every_model_and_every_column_of_it_says_what_it_is(shown: Documented) -> None:
    nodes = shown.manifest["nodes"].values()
    models = [node for node in nodes if node["resource_type"] in ("model", "seed")]
    lacking = [
        f"{node['name']}.{name}"
        for node in models
        for name in ["", *shown.catalog["nodes"][node["unique_id"]]["columns"]]
        if not (node["columns"].get(name, {}) if name else node)["description"].strip()
    ]
    assert len(models) > 200
    assert lacking == []


def test_no_words_are_of_a_column_that_is_no_more(shown: Documented) -> None:
    stale = [
        f"{node['name']}.{name}"
        for key, node in shown.manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed")
        for name in node["columns"].keys() - shown.catalog["nodes"][key]["columns"].keys()
    ]
    assert stale == []


def test_the_columns_of_a_metric_are_those_of_all_members(shown: Documented) -> None:
    nodes = shown.manifest["nodes"]
    of_members = nodes["model.salesops.kpi_members"]["columns"]
    for metric in metrics(shown.manifest):
        columns = nodes[f"model.salesops.{metric}"]["columns"]
        assert columns["period_on"]["description"] == of_members["period_on"]["description"]


def test_words_of_a_metrics_own_stay() -> None:
    def model(name: str, reads: Sequence[str], **columns: str) -> dict[str, Any]:
        return {
            "unique_id": MODEL + name,
            "name": name,
            "resource_type": "model",
            "group": "kpis",
            "columns": {one: {"name": one, "description": text} for one, text in columns.items()},
            "depends_on": {"nodes": reads},
            "config": {"meta": {"variants": {}}},
        }

    odd = model("odd", [], rep="of its own")
    members = model("kpi_members", [odd["unique_id"]], rep="of all", side="of all")
    documented = Documented(
        {
            "nodes": {node["unique_id"]: node for node in (odd, members)},
            "docs": {OVERVIEW: {"block_contents": "Words."}},
            "groups": {},
        },
        {"nodes": {odd["unique_id"]: {"columns": {"rep": {}, "side": {}, "extra": {}}}}},
        "",
    )
    complete(documented, "Acme")
    said = {name: column["description"] for name, column in odd["columns"].items()}
    assert said == {"rep": "of its own", "side": "of all"}


def test_the_overview_leads_to_what_there_is(shown: Documented) -> None:
    overview = shown.manifest["docs"][OVERVIEW]["block_contents"]
    led_to = re.findall(r"#!/model/([\w.]+)", overview)
    assert len(led_to) > 60
    assert set(led_to) <= shown.manifest["nodes"].keys()
    rooms = re.findall(r"^\| \[(\w+)\]\(\?room=\1#!/overview\?g_v=1&g_i=\1\)", overview, re.M)
    assert rooms == [group["name"] for group in shown.manifest["groups"].values()]
    assert overview.startswith("# Edge Cases\n")


def test_a_room_stands_below_those_that_it_reads() -> None:
    def model(room: str, *reads: str) -> dict[str, Any]:
        return {
            "unique_id": f"model.{room}",
            "name": room,
            "resource_type": "model",
            "group": room,
            "access": "public",
            "columns": {},
            "depends_on": {"nodes": [f"model.{name}" for name in reads]},
        }

    rooms = [model("own", "deals"), model("staging"), model("deals", "staging", "deals")]
    groups = {it["name"]: {"name": it["name"], "description": "What."} for it in rooms}
    members = {"columns": {}, "depends_on": {"nodes": []}, "resource_type": "kpis"}
    nodes = {it["unique_id"]: it for it in rooms} | {f"{MODEL}kpi_members": members}
    docs = {OVERVIEW: {"block_contents": ""}}
    complete(Documented({"nodes": nodes, "docs": docs, "groups": groups}, {"nodes": {}}, ""), "A")
    listed = re.findall(
        r"^\| \[(\w+)\].*\| ([\w, ]*) \| 0 \|$", docs[OVERVIEW]["block_contents"], re.M
    )
    assert listed == [("staging", ""), ("deals", "staging"), ("own", "deals")]


def test_the_page_loads_nothing_and_runs_nothing_but_its_own_script(file: Path) -> None:
    page = Elements(file.read_text(encoding="utf-8"))
    [script] = page.scripts
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    [policy] = [
        attributes["content"] or ""
        for tag, attributes in page.found
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith(f"default-src 'none'; script-src 'sha256-{digest}';")
    assert "http" not in policy
    assert [tag for tag, attributes in page.found if tag == "link" or "src" in attributes] == []


def test_what_a_company_writes_ends_no_script(shown: Documented) -> None:
    goals = shown.manifest["nodes"]["model.salesops.int_goals"]["compiled_code"]
    assert goals.count(HOSTILE) > 0
    assert shown.page.count(HOSTILE) == 0


def test_it_is_for_who_runs_the_company(file: Path) -> None:
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_nothing_of_this_machine_is_told(shown: Documented, company: Copy) -> None:
    places = map(str, (PROJECT, company.root, tempfile.gettempdir()))
    assert [place for place in places if place in shown.page] == []


def test_a_page_that_has_no_places_is_no_page() -> None:
    with pytest.raises(DocsError, match="no place for its manifest"):
        page(Documented({}, {}, "<html ><head><script>{}</script>"))


def test_before_the_first_run_it_says_what_to_do(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESOPS_DATA", str(data))
    with pytest.raises(DocsError, match="nothing has been published yet: make run COMPANY="):
        write_docs(load_company(PROJECT / "tests/companies/edge_cases/company.yml"))


def test_it_waits_for_no_run(company: Copy, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = file.stat().st_mtime_ns
    with run_lock(CompanyPaths.of(load_company(company.file)).lock, "another"):
        assert main(["docs", "--company", str(company.file)]) == UNDER_WAY
    assert "another run of this company is under way" in capsys.readouterr().err
    assert file.stat().st_mtime_ns == before


@pytest.mark.skipif(not CHROMIUM, reason="Chromium is not on this machine: .ci/run installs it")
def test_it_opens_from_the_disk_and_shows_words_and_lineage(file: Path) -> None:
    with chromium() as browser, opened(browser) as window:
        asked: list[str] = []
        window.on("request", lambda request: asked.append(request.url.partition("#")[0]))
        window.goto(url(file))
        window.get_by_role("heading", name="Where to begin").wait_for()
        window.get_by_role("link", name="kpi_values").first.click()
        window.get_by_text("The number: numerator / denominator; NULL, never 0").first.wait_for()
        window.go_back()
        window.get_by_role("link", name="stage_visits", exact=True).first.click()
        window.get_by_text("Lineage Graph").wait_for()
        assert window.locator("canvas").count() > 0
        assert set(asked) == {url(file), f"{url(file)}?room=stage_visits"}
