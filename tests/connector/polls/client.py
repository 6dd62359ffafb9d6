"""Polls' API: a bearer token, pages by number, errors with a text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import requests
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import PageNumberPaginator
from ingestion.sources.polls.settings import LABEL, PollsSource

from ingestion.errors import SourceError
from ingestion.http import Api, ApiClient, Pace, Page, Patience, secret_of

ANSWER = {"id": str}


class PollsApi(Api):
    """One account's API."""

    label = LABEL
    results = "answers"

    def __init__(self, source: PollsSource) -> None:
        token = secret_of(source.name, source.token_env, "a key of the account")
        super().__init__(source.name, source.url, token, BearerTokenAuth(token))
        self._settings = source
        self._pace = Pace(20.0)

    def pace(self, path: str) -> Pace:
        """There is one limit."""
        return self._pace

    def is_good(self, document: Any) -> bool:
        """Whether there are answers."""
        return isinstance(document, dict) and isinstance(document.get("answers"), list)

    def message(self, document: Any) -> object:
        """Polls' own words."""
        return document["error"]

    def error(self, response: requests.Response, problem: str) -> SourceError:
        """What to do where the token is not taken."""
        if response.status_code == 401:
            problem += f"; check the key in the environment variable {self._settings.token_env}"
        return SourceError(problem)


class PollsClient(ApiClient):
    """Reads one account."""

    def __init__(self, source: PollsSource, patience: Patience | None = None) -> None:
        super().__init__(PollsApi(source), patience)

    def answers(self, limit: int = 100) -> Iterator[Page]:
        """All answers, page by page."""
        pages = PageNumberPaginator(base_page=1, total_path="pages")
        return self.paginate("/v1/answers", pages, ANSWER, params={"limit": limit})
