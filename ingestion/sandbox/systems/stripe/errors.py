"""Stripe's errors: status, type, code, message and the parameter at fault."""

from __future__ import annotations


class StripeError(Exception):
    """A request that cannot be answered as asked; becomes Stripe's JSON error."""

    status = 400
    kind = "invalid_request_error"

    def __init__(self, message: str, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.code, self.param = code, param

    def document(self) -> dict[str, object]:
        """The error as its answer's body."""
        told = {"code": self.code, "param": self.param}
        problem: dict[str, object] = {"message": str(self), "type": self.kind}
        return {"error": problem | {name: value for name, value in told.items() if value}}


class UnknownObjectError(StripeError):
    """There is no object of this id: none to answer with, or none that a parameter may name."""

    def __init__(self, label: str, object_id: str, param: str = "id") -> None:
        super().__init__(f"No such {label}: '{object_id}'", "resource_missing", param)
        self.status = 404 if param == "id" else 400


class UnknownUrlError(StripeError):
    """Nothing is served under this address."""

    status = 404


class WrongKeyError(StripeError):
    """The key is missing or wrong."""

    status = 401


class PermissionMissingError(StripeError):
    """The restricted key may not read this."""

    status = 403


class TooManyError(StripeError):
    """A request above the rate."""

    status = 429


class ServerError(StripeError):
    """A request that was not answered."""

    status = 500
    kind = "api_error"
