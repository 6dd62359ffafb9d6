"""HubSpot's errors: status, category and message."""

from __future__ import annotations


class HubSpotError(Exception):
    """A request that cannot be answered as asked; becomes HubSpot's JSON error."""

    status = 400
    category = "VALIDATION_ERROR"


class BadRequestError(HubSpotError):
    """The request is wrong."""


class NotFoundError(HubSpotError):
    """There is no such thing."""

    status = 404
    category = "OBJECT_NOT_FOUND"


class UnauthorizedError(HubSpotError):
    """The token is missing or wrong."""

    status = 401
    category = "INVALID_AUTHENTICATION"


class ForbiddenError(HubSpotError):
    """The app of the token lacks a scope."""

    status = 403
    category = "MISSING_SCOPES"
