"""The browser of the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

import pytest
from playwright.sync_api import Browser, Page

from tests.eyes.windows import CHROMIUM, chromium, opened

Open = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests of a module: while it is open, nothing else can run an event loop."""
    if not CHROMIUM:
        pytest.skip("Chromium is not on this machine: .ci/run installs it, from Debian")
    with chromium() as started:
        yield started


@pytest.fixture
def window(browser: Browser) -> Open:
    """Opens a window of the browser's: `with window(color_scheme="dark") as page:`."""
    return partial(opened, browser)
