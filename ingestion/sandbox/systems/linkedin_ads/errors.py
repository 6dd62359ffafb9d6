"""LinkedIn's errors: a status, a message, and a code where there is one."""

from __future__ import annotations


class LinkedInError(Exception):
    """A request that cannot be answered as asked; becomes LinkedIn's JSON error."""

    def __init__(
        self, status: int, message: str, code: str | None = None, service: int | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.service = status, code, service

    def document(self) -> dict[str, object]:
        """The error as its answer's body."""
        told = {"serviceErrorCode": self.service, "code": self.code}
        problem: dict[str, object] = {"status": self.status, "message": str(self)}
        return problem | {name: value for name, value in told.items() if value is not None}


class SyntaxLinkedInError(LinkedInError):
    """The query string is not of Rest.li's syntax."""

    def __init__(self) -> None:
        super().__init__(400, "Invalid query parameters passed to request", "ILLEGAL_ARGUMENT")


class ParameterError(LinkedInError):
    """A parameter is missing, is not one, or has a value that it cannot have."""

    def __init__(self, name: str, code: str = "PARAM_INVALID") -> None:
        super().__init__(400, "Invalid param. Please see errorDetails for more information.", code)
        self.name = name

    def document(self) -> dict[str, object]:
        """The error, with what is wrong of which parameter."""
        descriptions = {
            "PARAM_INVALID": "Invalid value for param; wrong type or other syntax error",
            "PARAM_MISSING": "Required param is missing",
            "QUERY_PARAM_NOT_ALLOWED": "Query param is not allowed",
        }
        inputs = [
            {
                "code": self.code,
                "description": descriptions[str(self.code)],
                "input": {"inputPath": {"fieldPath": self.name}},
            }
        ]
        return {
            "errorDetailType": "com.linkedin.common.error.BadRequest",
            "message": str(self),
            "errorDetails": {"inputErrors": inputs},
            "status": self.status,
        }


class NoAccessError(LinkedInError):
    """The member has no role in the account."""

    def __init__(self, what: str) -> None:
        super().__init__(403, f"Not enough permissions to access: {what}", "ACCESS_DENIED", 100)


class NotFoundError(LinkedInError):
    """There is nothing of this address."""

    def __init__(self, message: str) -> None:
        super().__init__(404, message, "NOT_FOUND")
