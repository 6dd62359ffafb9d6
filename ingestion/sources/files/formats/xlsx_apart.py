"""Reads a sheet in a process of its own: this module, run with one argument, ASKED.

ASKED is JSON: file, sheet, whether its neighbours are asked for, and the bytes of memory and the
seconds that it may take. The sheet goes to standard output. Exit status 2: it cannot be read, and
standard error says why; any other but 0, or a signal: it takes too much.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path


def main(asked: str) -> int:
    """Read what is asked for; returns the exit status."""
    file, wanted, with_others, memory, seconds = json.loads(asked)
    for limit, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))

    from ingestion.errors import SourceError
    from ingestion.sources.files.formats.xlsx_book import read_here, sent

    try:
        sent(read_here(Path(file), wanted, with_others, is_limited=True), sys.stdout.buffer)
    except SourceError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
