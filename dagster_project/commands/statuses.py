"""The exit statuses of the commands, in numbers and in words.

`make` has statuses of its own, 2 for whatever failed: it has this module say what it hides.
"""

from __future__ import annotations

import sys

PUBLISHED, NOT_PUBLISHED, WRONG_SETTINGS, UNDER_WAY = 0, 1, 2, 3
HUNG_UP, STOPPED, TERMINATED = 129, 130, 143
MEANINGS = {
    PUBLISHED: "published, or nothing is new",
    NOT_PUBLISHED: "build or audit failed; what was published stays",
    WRONG_SETTINGS: "the company file, a source, the warehouse, its disk or the clock is wrong",
    UNDER_WAY: "another run of the company is under way",
    HUNG_UP: "stopped with its terminal",
    STOPPED: "stopped by Ctrl-C",
    TERMINATED: "stopped by SIGTERM",
}
KILLED = 128
"""Shells add the number of the signal that ended a command."""


def main(status: int) -> int:
    """Say what a command's exit status means; returns it."""
    meaning = MEANINGS.get(status, f"killed by signal {status - KILLED}" if status > KILLED else "")
    print(f"exit status {status}{meaning and ': '}{meaning}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
