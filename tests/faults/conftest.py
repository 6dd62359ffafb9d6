"""Prints what has become of each attack, and fails the suite for one that nothing shows to bite."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.faults.attacks import Figures, Tally, lines

ATTACK = "attack"


class Referee:
    """Counts the tests of each attack as their reports come in, from whatever worker."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}
        self.counts: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties = dict(report.user_properties)
        told = properties.pop(ATTACK, None)
        is_over = report.when == "call" or (report.when == "setup" and report.failed)
        if told is None or not is_over:
            return
        name, kind = told
        tally = self.tallies.setdefault(name, Tally())
        tally.tests += 1
        tally.passed += report.passed
        tally.is_shown_to_bite |= kind == "bites" and report.passed
        for figure, count in report.user_properties:
            if figure != ATTACK:
                self.counts[figure] += count

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.tallies:
            terminalreporter.section("attacks")
            for line in lines(dict(sorted(self.tallies.items())), self.counts):
                terminalreporter.line(line)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        is_whole = not session.config.option.keyword and not session.config.option.markexpr
        if is_whole and not all(tally.is_held for tally in self.tallies.values()):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "attack(name, kind): what a test of the faults is about")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Referee(), "referee of attacks")


@pytest.fixture(autouse=True)
def _told(request: pytest.FixtureRequest) -> None:
    """Tell the referee which attack a test belongs to."""
    if mark := request.node.get_closest_marker(ATTACK):
        request.node.user_properties.append((ATTACK, mark.args))


@pytest.fixture
def without_dlt() -> None:
    """Loads under attack do all that runs do: dlt is among what is attacked."""


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """The counts of this test."""
    return Figures(request.node.user_properties)
