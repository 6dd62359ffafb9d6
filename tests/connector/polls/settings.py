"""What company.yml says of an account with Polls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from ingestion.sources.source_type import SourceSettings

LABEL = "Polls"


class PollsSource(SourceSettings):
    """An account with Polls. `token_env` names the environment variable that holds the token."""

    type: Literal["polls"]
    url: Annotated[str, Field(pattern=r"^https?://[^/@?#\s]+$")]
    token_env: str = "POLLS_TOKEN"

    @property
    def entities_given(self) -> tuple[str, ...]:
        """Surveys."""
        return ("surveys",)

    def without(self, entities: Sequence[str]) -> str:
        """It gives nothing else."""
        return f"remove the source '{self.name}'"

    def gives(self, entity: str, column: str) -> bool:
        """Whether every answer may have it."""
        return entity == "surveys" and column != "account_id"
