"""The tests' own browser: what it lets through, and what it does not let pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.eyes.conftest import Open
from tests.eyes.windows import url

HARMLESS = "<!doctype html><title>A page</title><h1>A page</h1>"
TROUBLES = {
    "asked the network for https://numbers.example/a.js": (
        "<script src='https://numbers.example/a.js'></script>"
    ),
    "asked the network for http://127.0.0.1:9/a.png": "<img src='http://127.0.0.1:9/a.png' alt=''>",
    "asked the network for https://numbers.example/b": (
        "<script>fetch('https://numbers.example/b').catch(() => {})</script>"
    ),
    "console: no numbers": "<script>console.error('no numbers')</script>",
    "not caught: no numbers": "<script>throw new Error('no numbers')</script>",
    "a dialog: 1": "<script>alert(1)</script>",
    "Content Security Policy": (
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
        "<script>document.title = 'run'</script>"
    ),
}


def written(folder: Path, body: str) -> str:
    """The address of a page with a body."""
    page = folder / "page.html"
    page.write_text(HARMLESS + body, encoding="utf-8")
    return url(page)


def test_a_page_of_the_disk_is_read_and_searched(window: Open, tmp_path: Path) -> None:
    with window() as page:
        page.goto(
            written(tmp_path, "<img alt='' src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>")
        )
        assert page.get_by_role("heading", name="A page").is_visible()


@pytest.mark.parametrize(("trouble", "body"), TROUBLES.items())
def test_trouble_fails_a_test(window: Open, tmp_path: Path, trouble: str, body: str) -> None:
    with pytest.raises(AssertionError, match=trouble), window() as page:
        page.goto(written(tmp_path, body))
        page.wait_for_load_state("networkidle")


def test_trouble_that_is_expected_is_forgiven(window: Open, tmp_path: Path) -> None:
    with window(forgiven=["no numbers"]) as page:
        page.goto(written(tmp_path, TROUBLES["console: no numbers"]))
