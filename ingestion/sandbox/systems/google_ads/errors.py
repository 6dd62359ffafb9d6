"""Google's errors: a status of gRPC's, and the failure that says which rule was broken."""

from __future__ import annotations

DOMAIN = "type.googleapis.com"
STATUSES = {
    "INVALID_ARGUMENT": 400, "UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403, "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429, "INTERNAL": 500, "UNIMPLEMENTED": 501, "UNAVAILABLE": 503,
}  # fmt: skip
MESSAGES = {
    "INVALID_ARGUMENT": "Request contains an invalid argument.",
    "UNAUTHENTICATED": (
        "Request is missing required authentication credential. Expected OAuth 2 access token, "
        "login cookie or other valid authentication credential. See "
        "https://developers.google.com/identity/sign-in/web/devconsole-project."
    ),
    "PERMISSION_DENIED": "The caller does not have permission",
    "RESOURCE_EXHAUSTED": "Resource has been exhausted (e.g. check quota).",
    "INTERNAL": "Internal error encountered.",
    "UNAVAILABLE": "The service is currently unavailable.",
}


class GoogleAdsError(Exception):
    """A request that cannot be answered as asked: a rule of a kind, as queryError, and its name."""

    status = "INVALID_ARGUMENT"

    def __init__(self, kind: str, code: str, message: str, **more: object) -> None:
        super().__init__(message)
        self.kind, self.code, self.more = kind, code, more

    def document(self, version: str, request_id: str) -> dict[str, object]:
        """The error as the body of an answer of one version."""
        problem = {"errorCode": {self.kind: self.code}, "message": str(self), **self.more}
        failure: dict[str, object] = {
            "@type": f"{DOMAIN}/google.ads.googleads.{version}.errors.GoogleAdsFailure",
            "errors": [problem],
            "requestId": request_id,
        }
        return envelope(self.status, MESSAGES[self.status], [failure])


class QueryError(GoogleAdsError):
    """The query is not one, or asks for what cannot be had together."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__("queryError", code, message)


class WrongTokenError(GoogleAdsError):
    """Who asks is not known."""

    status = "UNAUTHENTICATED"

    def __init__(self, code: str, message: str) -> None:
        super().__init__("authenticationError", code, message)


class NotAllowedError(GoogleAdsError):
    """Who asks may not see this account."""

    status = "PERMISSION_DENIED"

    def __init__(self, code: str, message: str) -> None:
        super().__init__("authorizationError", code, message)


class TooManyError(GoogleAdsError):
    """A request above the rate."""

    status = "RESOURCE_EXHAUSTED"

    def __init__(self, seconds: int) -> None:
        details = {
            "rateScope": "DEVELOPER", "rateName": "Number of operations for explorer access",
            "retryDelay": f"{seconds}s",
        }  # fmt: skip
        super().__init__(
            "quotaError", "RESOURCE_TEMPORARILY_EXHAUSTED",
            f"Too many requests. Retry in {seconds} seconds.",
            details={"quotaErrorDetails": details},
        )  # fmt: skip


class PassingError(GoogleAdsError):
    """A request that was not answered, and may be the next time."""

    status = "UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__("internalError", "TRANSIENT_ERROR", "An internal error has occurred.")


class BodyError(Exception):
    """The request's body is not one that the method has; told without a failure of Google Ads."""

    def __init__(self, message: str, status: str = "INVALID_ARGUMENT") -> None:
        super().__init__(message)
        self.status = status

    def document(self) -> dict[str, object]:
        """The error as the body of an answer."""
        violation: dict[str, object] = {"@type": f"{DOMAIN}/google.rpc.BadRequest",
                     "fieldViolations": [{"description": str(self)}]}  # fmt: skip
        details = [violation] if self.status == "INVALID_ARGUMENT" else []
        return envelope(self.status, str(self), details)


def envelope(status: str, message: str, details: list[dict[str, object]]) -> dict[str, object]:
    """What stands around every error."""
    problem: dict[str, object] = {"code": STATUSES[status], "message": message, "status": status}
    return {"error": {**problem, "details": details} if details else problem}
