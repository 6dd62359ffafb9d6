"""Compiled modules are kept beside their sources, whatever the environment says.

Packages are installed uncompiled: where each process compiled its imports anew, starting would
take more than twice as long.
"""

from __future__ import annotations

import os
import sys


def keep_bytecode() -> None:
    """Let this process, and those that it starts, write and reuse compiled modules."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
