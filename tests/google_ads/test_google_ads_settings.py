"""What company.yml may say of Google Ads, what refuses access, and that nobody sees a secret."""

from __future__ import annotations

import traceback
from typing import cast

import pytest
from google_advertiser import SECRETS, Written
from starlette.responses import Response
from written_google import MANAGER, answer, error, failure

from ingestion.errors import CompanyError, SourceError
from ingestion.http import Patience
from ingestion.loading.reports import SourceCheck
from ingestion.sources.google_ads.client import GoogleAdsClient
from ingestion.sources.google_ads.extraction import check
from ingestion.sources.google_ads.settings import GoogleAdsSource
from ingestion.warehouse.warehouse import Warehouse

ID = "7301000001"
CANARY = "1//cAnArY7x"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("managers: 1", "(google).managers = 1: unknown key; did you mean 'manager'"),
        ("manager: main", "'main' is not the id of an account: digits"),
        ("accounts: [main]", "'main' is not the id of an account: digits"),
        ("version: '26'", "(google).version = '26'"),
        ("version: latest", "(google).version = 'latest'"),
        ("restated_days: 0", "(google).restated_days = 0"),
        ("client_id_env: client", "not the name of an environment variable"),
    ],
)
def test_a_wrong_key_is_named(written: Written, keys: str, message: str) -> None:
    with pytest.raises(CompanyError) as error:
        written.company(keys)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "name", ["client_secret_env", "refresh_token_env", "developer_token_env", "refresh_token"]
)
def test_a_secret_that_was_pasted_into_the_file_is_not_shown(written: Written, name: str) -> None:
    with pytest.raises(CompanyError) as error:
        written.company(f"{name}: {CANARY}")
    assert CANARY not in "".join(traceback.format_exception(error.value))


def test_ids_are_written_as_google_shows_them(written: Written) -> None:
    [source] = written.company("manager: 730-000-0000\n    accounts: [730-100-0001]").sources
    assert isinstance(source, GoogleAdsSource)
    assert (source.manager, source.accounts) == (MANAGER, (ID,))
    assert source.channel == "Paid Search"


def test_a_simulated_company_has_all_its_secrets_from_one(written: Written) -> None:
    source = cast(GoogleAdsSource, written.company().sources[0])
    pointed, held = source.pointed_to("http://127.0.0.1:9", "gads-1")
    assert (pointed.url, pointed.token_url) == ("http://127.0.0.1:9", "http://127.0.0.1:9/token")
    assert held == {
        "GOOGLE_ADS_CLIENT_ID": "sandbox",
        "GOOGLE_ADS_CLIENT_SECRET": "gads-1",
        "GOOGLE_ADS_REFRESH_TOKEN": "gads-1",
        "GOOGLE_ADS_DEVELOPER_TOKEN": "gads-1",
    }


def checked(written: Written, keys: str | None = None) -> SourceCheck:
    company = written.company(keys)
    context = written.context(company, Warehouse.of(company))
    return check(context, company.sources[0], Patience(attempts=2, first_wait=0.01, timeout=(1, 5)))


def problem_of(written: Written, *, load: bool) -> str:
    """The one thing that a load, or a check, says is wrong; nothing is loaded."""
    if not load:
        [problem] = checked(written).problems
        return problem
    with pytest.raises(SourceError) as error:
        written.sync()
    assert not written.has_raw
    [problem] = error.value.problems
    return problem


@pytest.mark.parametrize("load", [True, False])
@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("GOOGLE_ADS_CLIENT_ID", "it holds the id of an OAuth client"),
        ("GOOGLE_ADS_CLIENT_SECRET", "it holds the secret of that OAuth client"),
        ("GOOGLE_ADS_REFRESH_TOKEN", "it holds a refresh token of a user"),
    ],
)
def test_a_variable_that_is_not_set_is_named(
    written: Written, monkeypatch: pytest.MonkeyPatch, variable: str, told: str, load: bool
) -> None:
    monkeypatch.delenv(variable)
    assert f"variable {variable} is not set; {told}" in problem_of(written, load=load)


@pytest.mark.parametrize("load", [True, False])
@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("GOOGLE_ADS_CLIENT_SECRET", "status 401: invalid_client: Unauthorized; check the OAuth"),
        ("GOOGLE_ADS_REFRESH_TOKEN", "status 400: invalid_grant: Token has been expired or revoked"
         ".; the refresh token in GOOGLE_ADS_REFRESH_TOKEN is of another OAuth client"),
    ],
)  # fmt: skip
def test_a_wrong_client_or_refresh_token_is_told_once_with_its_variable(
    written: Written, monkeypatch: pytest.MonkeyPatch, variable: str, told: str, load: bool
) -> None:
    monkeypatch.setenv(variable, CANARY)
    problem = problem_of(written, load=load)
    assert told in problem
    assert variable in problem
    assert CANARY not in problem
    assert (written.google.tokens, written.google.questions) == (1, [])


@pytest.mark.parametrize("load", [True, False])
@pytest.mark.parametrize(
    ("status", "kind", "code", "remedy"),
    [
        (401, "authenticationError", "DEVELOPER_TOKEN_INVALID",
         "check the developer token in the environment variable GOOGLE_ADS_DEVELOPER_TOKEN, or "
         "unset it: since September 2026 Google asks for none"),
        (403, "authorizationError", "CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION",
         "apply for Explorer or Basic access at console.cloud.google.com"),
        (403, "authorizationError", "USER_PERMISSION_DENIED",
         "write that one's id as `manager` under the source google"),
        (401, "authenticationError", "NOT_ADS_USER", "sign in again as a user who may see"),
        (401, "authenticationError", "CUSTOMER_NOT_FOUND", "are ids of Google Ads accounts"),
        (403, "authorizationError", "CUSTOMER_NOT_ENABLED", "leave it out: name those that are"),
        (400, "requestError", "UNSUPPORTED_VERSION",
         "the source google asks for v26, its fields are those of v26; write as `version` one"),
        (400, "queryError", "UNRECOGNIZED_FIELD", "write as `version` one that is still served"),
    ],
)  # fmt: skip
def test_a_refusal_is_told_once_with_the_remedy(
    written: Written, status: int, kind: str, code: str, remedy: str, load: bool
) -> None:
    written.google.instead = lambda asked: failure(status, kind, code, "Words of Google.")
    problem = problem_of(written, load=load)
    assert f"status {status}: {code}: Words of Google.; " in problem
    assert remedy in problem
    assert f"POST /v26/customers/{MANAGER}/googleAds:searchStream" in problem


def exhausted(delay: str, is_of_rpc: bool) -> Response:
    """The answer to whoever has asked too much, with the delay where Google may have it."""
    document = error(429, "quotaError", "RESOURCE_EXHAUSTED", "Too many requests.")
    details = document["error"]["details"]
    if is_of_rpc:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
    else:
        quota = {"rateScope": "DEVELOPER", "rateName": "Requests", "retryDelay": delay}
        details[0]["errors"][0]["details"] = {"quotaErrorDetails": quota}
    return answer([document], 429)


@pytest.mark.parametrize("load", [True, False])
@pytest.mark.parametrize("is_of_rpc", [True, False])
def test_the_quota_of_a_day_is_not_waited_for(
    written: Written, load: bool, is_of_rpc: bool
) -> None:
    written.google.instead = lambda asked: exhausted("14400s", is_of_rpc)
    problem = problem_of(written, load=load)
    assert "status 429: RESOURCE_EXHAUSTED: Too many requests.; what Google lets" in problem
    assert "GOOGLE_ADS_CLIENT_ID ask for in a day is used up: run again when" in problem
    assert "apply for Basic access" in problem
    assert len(written.google.questions) == 1


@pytest.mark.parametrize("is_of_rpc", [True, False])
@pytest.mark.parametrize(("delay", "most"), [("0.3s", 0.3), ("60s", 1.0)])
def test_a_short_delay_is_waited_for_as_long_as_patience_lasts(
    written: Written,
    monkeypatch: pytest.MonkeyPatch,
    delay: str,
    most: float,
    is_of_rpc: bool,
) -> None:
    answers = [exhausted(delay, is_of_rpc)]
    written.google.instead = lambda asked: answers.pop() if answers else None
    waits: list[float] = []
    monkeypatch.setattr("ingestion.http.time.sleep", waits.append)
    patience = Patience(attempts=2, first_wait=0.01, longest_wait=1.0)
    source = cast(GoogleAdsSource, written.company().sources[0])
    GoogleAdsClient(source, patience).search(MANAGER, "SELECT customer.id FROM customer")
    assert waits == [most]


def test_a_version_that_is_no_more_is_told(written: Written) -> None:
    written.google.instead = lambda asked: answer("<html>Not found</html>", 404)
    assert "write as `version` one that is still served" in problem_of(written, load=True)


def test_a_scope_that_the_user_did_not_grant_is_told(written: Written) -> None:
    document = {
        "error": {
            "code": 403, "message": "Request had insufficient authentication scopes.",
            "status": "PERMISSION_DENIED",
            "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo",
                         "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}],
        }
    }  # fmt: skip
    written.google.instead = lambda asked: answer([document], 403)
    problem = problem_of(written, load=True)
    assert "with the scope https://www.googleapis.com/auth/adwords" in problem


def test_a_check_says_that_it_could_not_check(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(written, "url", "http://127.0.0.1:9")
    found = checked(written)
    assert (found.problems, found.is_reached) == ((), False)


def test_a_check_asks_for_accounts_and_a_day(written: Written) -> None:
    written.google.account(ID)
    found = checked(written)
    assert (found.problems, found.remarks) == ((), ())
    assert len(written.google.questions) <= 3


@pytest.mark.usefixtures("through_dlt")
def test_no_secret_is_in_a_message_log_or_file(
    written: Written, logs: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    account = written.google.account(ID)
    account.campaign("11", "Brand")
    account.spent("11", "2026-03-01", cost=1)
    written.google.token_requests = 5
    written.sync()
    told = [logs.text, *capfd.readouterr(), *written.messages]
    secrets = [value for name, value in SECRETS.items() if name != "GOOGLE_ADS_CLIENT_ID"]
    secrets.append("ya29.token")
    assert not [text for text in told for secret in secrets if secret in text]
    files = [path for path in written.folder.rglob("*") if path.is_file()]
    assert len(files) > 1
    found = [path.read_bytes() for path in files]
    assert not [secret for held in found for secret in secrets if secret.encode() in held]
