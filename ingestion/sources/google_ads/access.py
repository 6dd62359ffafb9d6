"""Access to Google's APIs: a refresh token is exchanged for access tokens, which last an hour."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Any

import requests
from dlt.sources.helpers.rest_client.auth import AuthConfigBase

from ingestion.errors import SourceError
from ingestion.http import Api, Pace, Patience, PatientSession, secret_of
from ingestion.sources.google_ads.refusals import message, refused
from ingestion.sources.google_ads.settings import LABEL, GoogleAdsSource


@dataclass(frozen=True)
class Secrets:
    """What opens the accounts.

    Since September 2026 Google asks for no developer token, and ignores one: what may be asked for
    hangs on the Google Cloud project of the OAuth client.
    """

    client_id: str
    client_secret: str
    refresh_token: str
    developer_token: str | None

    @classmethod
    def of(cls, source: GoogleAdsSource) -> Secrets:
        """Those that the environment variables hold. Raises SourceError."""

        def held(variable: str, what: str) -> str:
            return secret_of(source.name, variable, what)

        has_token = bool(os.environ.get(source.developer_token_env, "").strip())
        return cls(
            held(source.client_id_env, "the id of an OAuth client of a Google Cloud project"),
            held(source.client_secret_env, "the secret of that OAuth client"),
            held(source.refresh_token_env, "a refresh token of a user who may see the accounts"),
            held(source.developer_token_env, "a developer token") if has_token else None,
        )

    @property
    def all(self) -> tuple[str, ...]:
        """What no message may have."""
        held = (self.client_secret, self.refresh_token, self.developer_token)
        return tuple(secret for secret in held if secret)


class RefreshGrant(AuthConfigBase):
    """Signs requests with an access token, and asks for one where there is none."""

    def __init__(self, source: GoogleAdsSource, secrets: Secrets, patience: Patience) -> None:
        super().__init__()
        self._session = PatientSession(_Tokens(source, secrets), patience)
        self._url, self._secrets = source.token_url, secrets
        self._token: str | None = None
        self._was_good = False
        self._lock = threading.Lock()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign a request. Raises SourceError where no token is given."""
        with self._lock:
            if self._token is None:
                self._token, self._was_good = self._new_token(), False
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def proved(self, request: requests.PreparedRequest) -> None:
        """Keep in mind that the token that signed a request is good, or was."""
        with self._lock:
            self._was_good |= request.headers["Authorization"] == f"Bearer {self._token}"

    def renew(self, refused: requests.PreparedRequest) -> bool:
        """Have another token sign what is sent from now on than signed a refused request.

        False where that one was never good: Google would refuse another, too.
        """
        with self._lock:
            if refused.headers["Authorization"] == f"Bearer {self._token}":
                if not self._was_good:
                    return False
                self._token = None
        return True

    def stop(self) -> None:
        """Let no request begin any more."""
        self._session.is_stopped.set()

    def _new_token(self) -> str:
        form = {
            "grant_type": "refresh_token",
            "client_id": self._secrets.client_id,
            "client_secret": self._secrets.client_secret,
            "refresh_token": self._secrets.refresh_token,
        }
        return str(self._session.post(self._url, data=form).json()["access_token"])


class _Tokens(Api):
    """The API that gives access tokens."""

    label = LABEL
    results = "$"

    def __init__(self, source: GoogleAdsSource, secrets: Secrets) -> None:
        super().__init__(source.name, source.token_url, secrets.refresh_token, _Unsigned())
        self._settings, self._secrets, self._pace = source, secrets, Pace(10.0)

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that opens the accounts."""
        return self._secrets.all

    def pace(self, path: str) -> Pace:
        """A token is asked for once an hour."""
        return self._pace

    def is_good(self, document: Any) -> bool:
        """Whether there is a token."""
        return isinstance(document, dict) and isinstance(document.get("access_token"), str)

    def message(self, document: Any) -> object:
        """Google's word for the error, and its words."""
        return message(document)

    def error(self, response: requests.Response, problem: str) -> SourceError:
        """What is wrong with client or refresh token, and what to do."""
        return refused(self._settings, response, problem)


class _Unsigned(AuthConfigBase):
    """Whoever asks for a token says in the form who it is."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Leave the request as it is."""
        return request
