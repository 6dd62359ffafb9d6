"""Google's own SDK, which speaks gRPC alone, before an API that speaks REST: on this machine.

A plain gRPC server asks the REST API and gives its answers as messages, errors included.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import grpc
import requests
from google.ads.googleads.client import GoogleAdsClient
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials
from google.protobuf import json_format
from google_protos import FAILURE, VERSION, failure, message, stream_answer

PACKAGE = f"google.ads.googleads.{VERSION}"
TRAILER = f"{PACKAGE}.errors.googleadsfailure-bin"
PASSED_ON = ("developer-token", "login-customer-id")
TRANSPORTS = (
    ("google_ads_service", "GoogleAdsServiceGrpcTransport"),
    ("customer_service", "CustomerServiceGrpcTransport"),
)
SECONDS = 20


def access_token(url: str, secret: str, client_id: str = "sandbox") -> str:
    """A token as Google's own library fetches it. Raises google.auth.exceptions.RefreshError."""
    credentials = Credentials(
        None, refresh_token=secret, token_uri=f"{url}/token", client_id=client_id,
        client_secret=secret,
    )  # fmt: skip
    credentials.refresh(Request())
    assert credentials.expiry
    return str(credentials.token)


class Bridge(grpc.GenericRpcHandler):
    """Answers what the SDK asks with what the REST API says."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = f"{url}/{VERSION}", token

    def service(self, asked: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """What answers a method."""
        match asked.method.rpartition("/")[2]:
            case "SearchStream":
                of = message("services.types.google_ads_service", "SearchGoogleAdsStreamRequest")
                return grpc.unary_stream_rpc_method_handler(
                    self._rows, of.FromString, lambda it: it.SerializeToString()
                )
            case "ListAccessibleCustomers":
                of = message("services.types.customer_service", "ListAccessibleCustomersRequest")
                return grpc.unary_unary_rpc_method_handler(
                    self._customers, of.FromString, lambda it: it.SerializeToString()
                )
        return None

    def _rows(self, asked: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        answer = requests.post(
            f"{self._url}/customers/{asked.customer_id}/googleAds:searchStream",
            json={"query": asked.query}, headers=self._headers(context), timeout=SECONDS,
        ).json()  # fmt: skip
        for batch in answer if isinstance(answer, list) else [answer]:
            self._refuse(batch, context)
            yield json_format.ParseDict(batch, stream_answer()())

    def _customers(self, _: Any, context: grpc.ServicerContext) -> Any:
        answer = requests.get(
            f"{self._url}/customers:listAccessibleCustomers", headers=self._headers(context),
            timeout=SECONDS,
        ).json()  # fmt: skip
        self._refuse(answer[0] if isinstance(answer, list) else answer, context)
        of = message("services.types.customer_service", "ListAccessibleCustomersResponse")
        return json_format.ParseDict(answer, of())

    def _headers(self, context: grpc.ServicerContext) -> dict[str, str]:
        told = dict(context.invocation_metadata())
        return {
            "Authorization": f"Bearer {self._token}",
            **{name: str(told[name]) for name in PASSED_ON if name in told},
        }

    def _refuse(self, answer: Any, context: grpc.ServicerContext) -> None:
        """End the call with an error as the SDK expects it, where the answer is one."""
        if "error" not in answer:
            return
        error = answer["error"]
        for it in error.get("details", ()):
            if it["@type"] == FAILURE:
                told = {key: it[key] for key in it if key != "@type"}
                parsed = json_format.ParseDict(told, failure()())
                context.set_trailing_metadata(
                    ((TRAILER, parsed.SerializeToString()), ("request-id", it["requestId"]))
                )
        context.abort(grpc.StatusCode[error["status"]], error["message"])


@contextmanager
def sdk(
    url: str,
    *,
    token: str,
    developer_token: str,
    manager: str | None = None,
) -> Iterator[GoogleAdsClient]:
    """The SDK while it is led to the REST API at an address."""
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((Bridge(url, token),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    client = GoogleAdsClient(
        credentials=AnonymousCredentials(), developer_token=developer_token,
        endpoint=f"127.0.0.1:{port}", login_customer_id=manager, version=VERSION,
        use_proto_plus=True,
    )  # fmt: skip
    try:
        with plain_channels():
            yield client
    finally:
        server.stop(None).wait()


@contextmanager
def plain_channels() -> Iterator[None]:
    """The SDK's services open channels without TLS, which it knows no setting for."""
    transports = [
        getattr(importlib.import_module(f"{PACKAGE}.services.services.{module}.transports"), name)
        for module, name in TRANSPORTS
    ]

    def create_channel(cls: type, host: str, **more: Any) -> grpc.Channel:
        return grpc.insecure_channel(host)

    patches = [patch.object(it, "create_channel", classmethod(create_channel)) for it in transports]
    for it in patches:
        it.start()
    try:
        yield
    finally:
        for it in patches:
            it.stop()
