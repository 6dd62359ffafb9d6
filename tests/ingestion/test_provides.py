"""Two sources of the same deals, or invoices, would double every number: `provides:` says who."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.errors import CompanyError

STAGES = {"rows": [{"stage": "Open", "stage_order": 1, "status": "open"}]}
DEALS = {"from": "deals", "columns": {"source_id": "id", "stage": "stage"}}
PEOPLE = {"from": "deals", "columns": {"source_id": "id", "name": "stage"}}
INVOICES = {
    "from": "deals",
    "columns": {
        "source_id": "id",
        "customer_id": "id",
        "issued_at": "'2024-01-01'",
        "status": "'paid'",
        "total": "1",
    },
}
PORTAL = {"name": "portal", "type": "hubspot"}


def files(name: str, provides: object = None, **entities: object) -> dict[str, object]:
    source = {"name": name, "type": "files", "path": ".", "entities": entities}
    return source if provides is None else {**source, "provides": provides}


def crm(name: str, provides: object = None) -> dict[str, object]:
    return files(name, provides, opportunities=DEALS, pipeline_stages=STAGES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deals.csv").write_text("id,stage\n1,Open\n")
    return tmp_path


def load(folder: Path, *sources: object) -> Company:
    file = folder / "company.yml"
    company = {"name": "Acme", "currency": "USD", "timezone": "UTC", "sources": list(sources)}
    file.write_text(yaml.safe_dump(company, sort_keys=False))
    return load_company(file)


def problem(folder: Path, *sources: object) -> str:
    with pytest.raises(CompanyError) as error:
        load(folder, *sources)
    return str(error.value)


def test_one_source_need_not_say_what_it_provides(folder: Path) -> None:
    load(folder, crm("crm"), files("erp", invoices=INVOICES))


def test_people_may_be_known_to_several_sources(folder: Path) -> None:
    load(folder, files("hr", users=PEOPLE), files("crm", users=PEOPLE, accounts=PEOPLE))


def test_two_sources_of_deals_are_refused_and_told_what_to_write(folder: Path) -> None:
    message = problem(folder, crm("us"), crm("emea"))
    assert "company.yml: sources.0 (us).provides: 'us' and 'emea' all give opportunities" in message
    assert "in 'emea' remove entities.opportunities" in message
    written = message[message.index("      - name: us") : message.index("    If they")]
    assert yaml.safe_load(written) == [
        {"name": "us", "provides": {"opportunities": "us"}},
        {"name": "emea", "provides": {"opportunities": "emea"}},
    ]


def test_what_the_message_says_to_write_is_enough(folder: Path) -> None:
    load(folder, crm("us", {"opportunities": "us"}), crm("emea", {"opportunities": "emea"}))


def test_all_that_two_sources_share_is_said_at_once(folder: Path) -> None:
    both = {"opportunities": DEALS, "invoices": INVOICES, "pipeline_stages": STAGES}
    message = problem(folder, files("us", **both), files("emea", {"invoices": "EMEA"}, **both))
    assert "provides: {opportunities: us, invoices: us}" in message
    assert "provides: {invoices: EMEA, opportunities: emea}" in message


def test_a_scope_declared_by_one_source_only_is_not_enough(folder: Path) -> None:
    message = problem(folder, crm("us", {"opportunities": "US"}), crm("emea"))
    assert "sources.1 (emea).provides" in message
    assert "provides: {opportunities: US}" in message


def test_the_same_scope_twice_is_refused(folder: Path) -> None:
    message = problem(
        folder, crm("old", {"opportunities": "EMEA"}), crm("new", {"opportunities": " emea"})
    )
    assert "sources.1 (new).provides.opportunities = ' emea'" in message
    assert "source 'old' provides the same deals, which would count twice" in message


def test_a_scope_is_text_as_written(folder: Path) -> None:
    """YAML would make False of Norway."""
    file = folder / "company.yml"
    load(folder, crm("no", {"opportunities": "NORWAY"}), crm("se", {"opportunities": "SE"}))
    file.write_text(file.read_text().replace("NORWAY", "NO"))
    assert load_company(file).sources[0].provides == {"opportunities": "NO"}


@pytest.mark.parametrize(
    ("entity", "message"),
    [
        ("invoices", "the source gives no invoices: remove the line, or map them"),
        ("opportunity", "not an entity whose rows add up; did you mean 'opportunities'?"),
        ("users", "not an entity whose rows add up; Allowed: activities, credit_notes"),
    ],
)
def test_a_scope_of_what_a_source_does_not_give_is_named(
    folder: Path, entity: str, message: str
) -> None:
    assert message in problem(folder, crm("us", {entity: "US"}))


def test_a_portal_beside_an_export_of_its_deals_is_told_which_objects_to_keep(folder: Path) -> None:
    message = problem(folder, PORTAL, crm("export"))
    assert (
        "in 'portal' write objects: [companies, contacts, leads, calls, emails, meetings, notes, "
        "tasks, users]; or in 'export' remove entities.opportunities"
    ) in message


def test_a_portal_may_leave_its_deals_out_or_say_which_it_has(folder: Path) -> None:
    load(folder, {**PORTAL, "objects": ["companies", "contacts"]}, crm("export"))
    load(
        folder,
        {**PORTAL, "provides": {"opportunities": "inbound"}},
        crm("export", {"opportunities": "outbound"}),
    )


def test_two_portals_say_who_has_which_deals_leads_and_activities(folder: Path) -> None:
    message = problem(folder, PORTAL, {**PORTAL, "name": "second"})
    assert "provides: {opportunities: second, leads: second, activities: second}" in message


STRIPE = {"name": "stripe", "type": "stripe"}
ERP = {
    "name": "erp",
    "type": "sql",
    "address_env": "ERP_DATABASE_URL",
    "entities": {"invoices": {**INVOICES, "from": "bill"}},
}


@pytest.mark.parametrize(
    "others",
    [files("exports", invoices=INVOICES), ERP, {**STRIPE, "name": "second"}],
    ids=["files", "sql", "stripe"],
)
def test_what_stripe_gives_another_source_may_give_too_where_both_say_which_part(
    folder: Path, others: dict[str, object]
) -> None:
    message = problem(folder, STRIPE, others)
    assert f"'stripe' and '{others['name']}' all give" in message
    written = message[message.index("      - name: stripe") : message.index("    If they")]
    declared = {each["name"]: each["provides"] for each in yaml.safe_load(written)}
    sources = [{**source, "provides": declared[source["name"]]} for source in (STRIPE, others)]
    assert [source.provides for source in load(folder, *sources).sources] == [*declared.values()]


def test_a_source_that_leaves_out_what_another_gives_need_say_nothing(folder: Path) -> None:
    message = problem(folder, STRIPE, ERP)
    assert "in 'erp' remove entities.invoices" in message
    [kept] = re.findall(r"in 'stripe' write (entities: \[[^]]*\])", message)
    company = load(folder, {**STRIPE, **yaml.safe_load(kept)}, ERP)
    assert "invoices" not in company.sources[0].entities_given
