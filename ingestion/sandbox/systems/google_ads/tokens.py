"""Google's token endpoint: a refresh token is exchanged for access tokens that expire."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl

SECONDS = 3_599
SCOPE = "https://www.googleapis.com/auth/adwords"
CLIENT_ID = "sandbox"
FORM = "application/x-www-form-urlencoded"


class TokenError(Exception):
    """A token that is not given: OAuth's error."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status, self.error = status, error

    def document(self) -> dict[str, str]:
        """The error as its answer's body."""
        return {"error": self.error, "error_description": str(self)}


class Tokens:
    """The access tokens that were given, and how often each has been used."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._used: dict[str, int] = {}

    def grant(self, content_type: str, body: bytes) -> Mapping[str, object]:
        """A new access token. Raises TokenError."""
        if content_type.partition(";")[0].strip() != FORM:
            raise TokenError(400, "invalid_request", "Could not determine client ID from request.")
        given = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        if not given.get("client_id"):
            raise TokenError(400, "invalid_request", "Could not determine client ID from request.")
        if given["client_id"] != CLIENT_ID:
            raise TokenError(401, "invalid_client", "The OAuth client was not found.")
        if not given.get("client_secret"):
            raise TokenError(400, "invalid_request", "client_secret is missing.")
        if given["client_secret"] != self._secret:
            raise TokenError(401, "invalid_client", "Unauthorized")
        if "grant_type" not in given:
            raise TokenError(400, "invalid_request", "Required parameter is missing: grant_type")
        if given["grant_type"] != "refresh_token":
            message = f"Invalid grant_type: {given['grant_type']}"
            raise TokenError(400, "unsupported_grant_type", message)
        if "refresh_token" not in given:
            raise TokenError(400, "invalid_request", "Missing required parameter: refresh_token")
        if given["refresh_token"] != self._secret:
            raise TokenError(400, "invalid_grant", "Token has been expired or revoked.")
        token = f"ya29.{secrets.token_hex(16)}"
        self._used[token] = 0
        return {"access_token": token, "expires_in": SECONDS, "scope": SCOPE,
                "token_type": "Bearer"}  # fmt: skip

    def knows(self, token: str) -> bool:
        """Whether an access token was given here."""
        return token in self._used

    def use(self, token: str, most: int) -> bool:
        """Count a request with a token; whether it has not expired (`most` 0: none does)."""
        self._used[token] += 1
        return not most or self._used[token] <= most
