"""`make bench`: what the whole costs beside its parts, and how the cost grows with the company."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dagster_project.bench import floor, models, overhead, scales
from dagster_project.run.bytecode import keep_bytecode
from dagster_project.run.opening import company_file


def main() -> int:
    """Print the measures; exit status 1 when the whole takes too long beside its parts."""
    keep_bytecode()
    parser = argparse.ArgumentParser(prog="salesops bench", description=__doc__)
    parser.add_argument("--company", type=Path, default=company_file(), metavar="FILE")
    parser.add_argument("--scales", type=float, nargs="+", help="sizes of simulated companies")
    options = parser.parse_args()
    if options.scales:
        scales.compare(options.scales)
        return 0
    is_within_limit = overhead.compare(options.company.resolve())
    models.compare(options.company.resolve())
    floor.show()
    return 0 if is_within_limit else 1


if __name__ == "__main__":
    sys.exit(main())
