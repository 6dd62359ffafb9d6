"""`make docs`: what every table and column means, and what follows from what, as one page.

It is dbt's own page of docs with all that it shows inside: it is opened as a file, and asks no
network for anything.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dagster_project.commands.terminal import say
from dagster_project.publication.manifest import Publication
from dagster_project.run.dbt_manifest import MODEL, metrics
from dagster_project.run.dbt_runner import Dbt, Documented, run_values
from dagster_project.run.lock import run_lock
from ingestion.company.settings import Company
from ingestion.disk.private import private
from ingestion.errors import SalesopsError
from ingestion.paths import CompanyPaths

OVERVIEW = "doc.salesops.__overview__"
MEMBERS = f"{MODEL}kpi_members"
PUBLIC = "public"
PLACES = ("root_path", "build_path", "compiled_path")
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'sha256-{script}'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "font-src data:",
    ]
)
"""What the page may load: what is in it."""
LINKS = re.compile(r'<link rel="(?:canonical|shortcut icon)"[^>]*>')
ICON = '<use xlink:href="{{'
"""Of dbt's page: links and icons that a browser looks for in files that are not there."""


class DocsError(SalesopsError):
    """The docs of a company cannot be written."""


def write_docs(company: Company) -> None:
    """Write the page of a company's tables, as its last build has them, and say where it is.

    Raises DocsError where nothing has been built yet, SalesopsError where another run is under way
    or the models cannot be compiled.
    """
    paths = CompanyPaths.of(company)
    publication = Publication.of(paths.published)
    if publication is None:
        raise DocsError(
            f"{paths.published}: nothing has been published yet: make run COMPANY={company.path}"
        )
    values = run_values(
        publication.as_of, publication.known_at, publication.run_id, company.own_as_of
    )
    with private(paths.root), run_lock(paths.lock, "docs"):
        documented = Dbt.of(company).documented(values)
        complete(documented, company.name)
        _put(paths.docs / "index.html", page(documented))
    say(f"{company.name}: {paths.docs / 'index.html'}")
    if not_built := _not_built(documented):
        say(f"  not built yet, hence without columns: {', '.join(not_built)}: make run FULL=1")


def complete(documented: Documented, company: str) -> None:
    """Say what the models' own files need not: the columns of metrics, and which rooms there are.

    A metric is its members, so its columns are those of `kpi_members`, which unites them. Unit
    tests would be most of what a lineage shows, and are left out; so is where files are here.
    """
    manifest, built = documented.manifest, documented.catalog["nodes"]
    of_members = manifest["nodes"][MEMBERS]["columns"]
    for metric in metrics(manifest):
        columns = manifest["nodes"][MODEL + metric]["columns"]
        for name in built.get(MODEL + metric, {}).get("columns", {}):
            if name in of_members:
                columns.setdefault(name, of_members[name])
    manifest["unit_tests"] = {}
    for node in manifest["nodes"].values():
        for place in PLACES:
            node.pop(place, None)
    overview = manifest["docs"][OVERVIEW]
    rooms = "\n".join(_rooms(manifest))
    overview["block_contents"] = f"# {company}\n\n{overview['block_contents']}\n\n{rooms}\n"


def page(documented: Documented) -> str:
    """The page of dbt with what it shows inside, where nothing can end the script that it is in."""
    text = LINKS.sub("", documented.page).replace(ICON, ICON.replace("xlink:", "ng-attr-"))
    for name, told in (("MANIFEST", documented.manifest), ("CATALOG", documented.catalog)):
        place = f'"{name}.JSON INLINE DATA"'
        if place not in text:
            raise DocsError(f"dbt's page of docs has no place for its {name.lower()} any more")
        text = text.replace(place, json.dumps(told).replace("<", "\\u003c"))
    [script] = re.findall(r"<script\b[^>]*>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = POLICY.format(script=digest)
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return text.replace("<html ", '<html ng-csp="no-unsafe-eval" ', 1).replace(
        "<head>", f"<head>{head}", 1
    )


def _rooms(manifest: Mapping[str, Any]) -> Iterator[str]:
    """A table of the rooms, each below those that it reads."""
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    room_of = {node["unique_id"]: node["group"] for node in models}
    reads: dict[str, set[str]] = {group["name"]: set() for group in manifest["groups"].values()}
    for node in models:
        read = {room_of[key] for key in node["depends_on"]["nodes"] if key in room_of}
        reads.get(node["group"], set()).update(read - {node["group"]})
    words = {group["name"]: group["description"] for group in manifest["groups"].values()}
    yield "| Room | What is in it | Public tables | Reads | Others |"
    yield "|---|---|---|---|---|"
    for room in (order := list(_in_order(reads))):
        own = [node for node in models if node["group"] == room]
        public = sorted((node for node in own if node["access"] == PUBLIC), key=_name)
        above = sorted(reads[room], key=order.index)
        # dbt's page draws what its address asks for when it is loaded: the query makes it load.
        yield (
            f"| [{room}](?room={room}#!/overview?g_v=1&g_i={room}) | {words[room]} "
            f"| {', '.join(map(_link, public))} | {', '.join(above)} "
            f"| {len(own) - len(public)} |"
        )


def _in_order(reads: Mapping[str, set[str]]) -> Iterator[str]:
    """The rooms as they are listed, but none before one that it reads."""
    left = dict(reads)
    while left:
        room = next((one for one in left if not left.keys() & reads[one]), next(iter(left)))
        del left[room]
        yield room


def _name(node: Mapping[str, Any]) -> str:
    return str(node["name"])


def _link(node: Mapping[str, Any]) -> str:
    return f"[{node['name']}](#!/model/{node['unique_id']})"


def _not_built(documented: Documented) -> list[str]:
    """The models that the code has and the warehouse has not."""
    return sorted(
        _name(node)
        for key, node in documented.manifest["nodes"].items()
        if node["resource_type"] == "model" and key not in documented.catalog["nodes"]
    )


def _put(path: Path, text: str) -> None:
    """Write a file that is there whole or as it was."""
    path.parent.mkdir(exist_ok=True)
    aside = path.with_name(f"{path.name}.new")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)
