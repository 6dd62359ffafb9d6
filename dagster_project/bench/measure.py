"""Processes, measured: seconds by the clock and of processors, the largest resident memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingestion.paths import PROJECT


@dataclass(frozen=True)
class Measure:
    """What a process took, in seconds and bytes, and what it printed.

    `cpu_seconds` are those of the process and of all that it has started.
    """

    name: str
    seconds: float
    cpu_seconds: float
    peak_memory: int
    output: str


def measure(name: str, command: Sequence[str], env: Mapping[str, str]) -> Measure:
    """Run a command to its end. Exits when it fails: there is nothing to compare then."""
    print(f"{name} …", file=sys.stderr)
    started = time.perf_counter()
    with subprocess.Popen(
        command, cwd=PROJECT, env={**os.environ, **env}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{name} failed with exit status {process.returncode}\n{output}")
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    seconds = time.perf_counter() - started
    return Measure(name, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit, output)
