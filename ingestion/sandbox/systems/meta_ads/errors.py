"""The Graph API's errors: status, type, code, subcode, and whether they may pass by themselves."""

from __future__ import annotations

DOCUMENTATION = "https://developers.facebook.com/docs"


class GraphError(Exception):
    """A request that cannot be answered as asked; becomes the Graph API's JSON error."""

    status = 400
    kind = "OAuthException"
    code = 100
    subcode: int | None = None
    is_transient: bool | None = None
    told: dict[str, str] = {}  # noqa: RUF012

    def document(self, trace: str) -> dict[str, object]:
        """The error as its answer's body."""
        problem: dict[str, object] = {"message": str(self), "type": self.kind, "code": self.code}
        if self.subcode is not None:
            problem["error_subcode"] = self.subcode
        if self.is_transient is not None:
            problem["is_transient"] = self.is_transient
        return {"error": {**problem, **self.told, "fbtrace_id": trace}}


class ParameterError(GraphError):
    """A parameter that cannot be: the message begins with the code, as Meta's do."""

    def __init__(self, message: str) -> None:
        super().__init__(f"(#{self.code}) {message}")


class TooLongAgoError(ParameterError):
    """Insights are kept for 37 months."""

    code = 3018


class UnknownObjectError(GraphError):
    """There is no such object, or not for this token."""

    kind = "GraphMethodException"
    subcode = 33

    def __init__(self, method: str, object_id: str) -> None:
        super().__init__(
            f"Unsupported {method.lower()} request. Object with ID '{object_id}' does not exist, "
            "cannot be loaded due to missing permissions, or does not support this operation. "
            f"Please read the Graph API documentation at {DOCUMENTATION}/graph-api"
        )


class UnknownPathError(GraphError):
    """Nothing is served under this address."""

    code = 2500


class OldVersionError(ParameterError):
    """A version of the API that is served no more."""

    code = 2635


class NoTokenError(GraphError):
    """The request bears no access token."""

    code = 104


class WrongTokenError(GraphError):
    """The token is none that was ever given out."""

    code = 190


class ExpiredTokenError(GraphError):
    """The token was good once."""

    status = 401
    code = 190
    subcode = 463


class NoPermissionError(ParameterError):
    """The token's owner may not read the account."""

    status = 403
    code = 200


class TooManyError(ParameterError):
    """A request above the rate: status 400, as of everything that was asked wrongly."""

    subcode = 2446079

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


class TooMuchDataError(GraphError):
    """A report that is too large. It comes as a server's error, and repeating it helps nobody."""

    status = 500
    code = 1

    def __init__(self) -> None:
        super().__init__(
            "Please reduce the amount of data you're asking for, then retry your request"
        )


class NotReadyError(GraphError):
    """The rows of a report that is not, or never will be, complete."""

    code = 2601
    subcode = 1815107
    is_transient = True
    told = {  # noqa: RUF012
        "error_user_title": "Loading Async Ads Report Failed",
        "error_user_msg": "Sorry, the report cannot be loaded successfully. Please check if your "
        "job status is completed instead of failed or running before fetching the data.",
    }

    def __init__(self) -> None:
        super().__init__("Error accessing adreport job.")


class UnknownProblemError(GraphError):
    """A server's error that passes, of the same status and code as one that does not."""

    status = 500
    code = 1

    def __init__(self) -> None:
        super().__init__("An unknown error occurred")


class UnexpectedError(GraphError):
    """A server's error that passes, and says so."""

    status = 500
    code = 2
    is_transient = True

    def __init__(self) -> None:
        super().__init__("An unexpected error has occurred. Please retry your request later.")
