"""Whose runs a company's runs are: Dagster lists them by code location, repository and job."""

from __future__ import annotations

from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.tags import REPOSITORY_LABEL_TAG

CODE_LOCATION = "dagster_project.definitions"
_REPOSITORY = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(CODE_LOCATION), "__repository__")
TAGS = {REPOSITORY_LABEL_TAG: _REPOSITORY.get_label()}
"""Of each run: the UI's lists of a job's runs, and its timeline, leave out what is without."""


def origin(job: str) -> RemoteJobOrigin:
    """The job as the UI knows it."""
    return _REPOSITORY.get_job_origin(job)
