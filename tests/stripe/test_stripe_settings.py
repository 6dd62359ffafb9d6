"""What company.yml may say of an account, what the key may read, and that nobody sees it."""

from __future__ import annotations

import re
import traceback

import documents as d
import pytest
from books import KEY, PATIENCE, Script
from worlds import Company
from worlds import account as account
from worlds import grown_world as grown_world

from dagster_project.cli import main
from ingestion.errors import CompanyError, SourceError
from ingestion.http import Patience
from ingestion.loading.reports import SourceCheck
from ingestion.sandbox.systems.faults import Faults
from ingestion.sources.stripe.client import StripeClient
from ingestion.sources.stripe.extraction import check
from ingestion.sources.stripe.lists import lists_of
from ingestion.sources.stripe.settings import NEEDS, StripeSource
from ingestion.warehouse.warehouse import Warehouse


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("entites: [customers]", "(stripe).entites: unknown key; did you mean 'entities'"),
        ("entities: [invoice]", "Stripe gives no 'invoice'; did you mean 'invoices'"),
        ("entities: []", "name what to read: customers, subscriptions"),
        ("entities: [customers, payments]", "add 'invoices', or leave 'payments' out, too"),
        ("mapping: {customer: {domain: x}}", "read from metadata; did you mean 'customers'"),
        ("mapping: {customers: {name: x}}", "column 'name' of 'customers' cannot be mapped"),
        ("mapping: {invoices: {opportunity_id: x}}\n    entities: [customers]",
         "mapping.invoices: 'invoices' are not among `entities`"),
        ("minor_units: {ugx: 0}", "'ugx' is not a currency code, in capitals"),
        ("minor_units: {UGX: -1}", "minor_units.UGX = -1: Input should be greater than or equal"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_named(script: Script, keys: str, message: str) -> None:
    with pytest.raises(CompanyError) as error:
        script.company(keys)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "keys",
    [
        f"key_env: {KEY}", f"key: {KEY}", f"api_key: {KEY}",
        "key_env: cAnArY7x", "token: cAnArY7x", f"note: {KEY}",
    ],
)  # fmt: skip
def test_a_key_that_was_pasted_into_the_file_is_not_shown(script: Script, keys: str) -> None:
    with pytest.raises(CompanyError) as error:
        script.company(keys)
    told = "".join(traceback.format_exception(error.value))
    assert KEY not in told
    assert "cAnArY7x" not in told


def test_an_address_is_one_of_a_server_and_has_no_key_in_it(script: Script) -> None:
    for url in ("api.stripe.com", "https://api.stripe.com/v1", "https://sk_cAnArY7x@stripe.com"):
        script.url = url
        with pytest.raises(CompanyError, match=r"\(stripe\)\.url = ") as error:
            script.company()
        assert "cAnArY7x" not in str(error.value)


@pytest.mark.parametrize("dropped", NEEDS)
def test_what_is_said_to_leave_an_entity_out_does_so(dropped: str) -> None:
    source = StripeSource(name="billing", type="stripe", provides={})
    words = source.without([dropped])
    if dropped == "customers":
        assert words == "remove the source billing"
        return
    found = re.fullmatch(r"write entities: \[(.*)\]", words)
    assert found
    fewer = StripeSource(
        name="billing", type="stripe", provides={}, entities=tuple(found[1].split(", "))
    )
    assert dropped not in fewer.entities_given


def test_a_column_is_given_where_its_key_is_named() -> None:
    plain = StripeSource(name="billing", type="stripe", provides={})
    mapped = plain.model_copy(update={"mapping": {"customers": {"account_id": "crm"}}})
    assert [it.gives("customers", "account_id") for it in (plain, mapped)] == [False, True]
    assert not mapped.gives("customers", "domain")
    assert plain.gives("payments", "invoice_id")
    assert not plain.gives("invoices", "opportunity_id")


def checked(books: Script | Company, keys: str = "minor_units: {}") -> SourceCheck:
    company = books.company(keys)
    context = books.context(company, Warehouse.of(company))
    return check(context, company.sources[0], Patience(attempts=1, timeout=(1, 5)))


def test_a_check_asks_each_list_for_one_object(script: Script) -> None:
    found = checked(script)
    assert (found.problems, found.remarks) == ((), ())
    assert all("limit=1" in query.split("&") for _, query in script.stripe.requests)
    asked = {path for path, _ in script.stripe.requests}
    assert asked == {"/v1/events", *(it.path for it in lists_of(NEEDS))}


def test_a_check_says_what_it_could_not_check(
    script: Script, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "url", "http://127.0.0.1:9")
    found = checked(script)
    assert (found.problems, found.is_reached) == ((), False)
    assert found.remarks[0].startswith("not checked, since it cannot be reached: source stripe:")
    assert main(["check", "--company", str(script.company().path)]) == 2
    assert "stripe cannot be reached: a run would stop now" in capsys.readouterr().out
    monkeypatch.delenv("STRIPE_API_KEY")
    assert "STRIPE_API_KEY is not set" in checked(script).problems[0]


@pytest.mark.parametrize("load", [True, False])
def test_a_wrong_key_is_told_once_with_the_variable(
    account: Company, monkeypatch: pytest.MonkeyPatch, load: bool
) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_of_another_account")
    if load:
        with pytest.raises(SourceError) as error:
            account.sync()
        problems = error.value.problems
    else:
        problems = checked(account).problems
    [problem] = problems
    assert "status 401: Invalid API Key provided" in problem
    assert problem.endswith("check the key in the environment variable STRIPE_API_KEY")
    assert len(account.asked()) == 1


@pytest.mark.parametrize("load", [True, False])
def test_all_that_a_restricted_key_may_not_read_is_told_at_once(
    account: Company, load: bool
) -> None:
    account.api.faults = Faults(forbidden=("charges", "coupons", "disputes"))
    if load:
        with pytest.raises(SourceError) as error:
            account.sync()
        problems = error.value.problems
        assert not (account.folder / "data").exists() or account.read(
            "select 1 as found from information_schema.tables where table_schema = 'raw_stripe'"
        ) == []  # fmt: skip
    else:
        problems = checked(account).problems
    disputes, coupons, charges = sorted(problems, reverse=True)
    assert "Having the 'rak_dispute_read' permission" in disputes
    assert (
        "write entities: [customers, subscriptions, invoices, invoice_lines, payments]" in disputes
    )
    assert "Having the 'rak_coupon_read' permission" in coupons
    assert "give it in Stripe's dashboard" in coupons
    assert (
        "or, under the source stripe in company.yml, write entities: "
        "[customers, invoices, invoice_lines, payments, credit_notes]"
    ) in coupons
    assert "write entities: [customers, subscriptions, invoices, invoice_lines]" in charges


def test_a_key_that_may_not_read_events_has_no_other_way_out(account: Company) -> None:
    account.api.faults = Faults(forbidden=("events",))
    with pytest.raises(SourceError, match=r"edit the restricted key\)$"):
        account.sync()


def test_a_path_that_stripe_does_not_have_is_no_deleted_object(script: Script) -> None:
    script.stripe.create(d.customer("cus_1"))
    client = StripeClient(script.company().sources[0], PATIENCE)
    [known] = [it for it in lists_of(["customers"]) if it.name == "customers"]
    assert client.one(known, "cus_2") is None
    with pytest.raises(SourceError, match="status 404: Unrecognized request URL"):
        client.everything("/v1/nothing", {})
    script.stripe.requests.pop()


@pytest.mark.usefixtures("through_dlt")
def test_the_key_is_in_no_message_log_or_file(
    account: Company, logs: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    account.sync()
    account.pass_days()
    account.api.faults = Faults(server_error=0.1, drop=0.1)
    account.sync()
    told = [logs.text, *capfd.readouterr(), *account.messages]
    assert not [text for text in told if KEY in text]
    files = [path for path in account.folder.rglob("*") if path.is_file()]
    assert len(files) > 1
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
