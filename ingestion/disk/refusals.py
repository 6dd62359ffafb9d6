"""What a disk or its permissions do not allow, told from whatever library it was met in."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from types import MappingProxyType

from ingestion.errors import StorageError, first_line, with_causes

FULL = "make room there, and run again"
FORBIDDEN = (
    "let the user that runs this read and write there, or name another folder in SALESOPS_DATA"
)
REMEDIES: Mapping[int, str] = MappingProxyType(
    {
        errno.ENOSPC: FULL,
        errno.EDQUOT: FULL,
        errno.EFBIG: FULL,
        errno.EROFS: FORBIDDEN,
        errno.EACCES: FORBIDDEN,
        errno.EPERM: FORBIDDEN,
        errno.EMFILE: "allow more open files, as with ulimit -n 4096, and run again",
        errno.ENFILE: "close what has many files open, and run again",
        errno.EIO: "the disk fails: replace it, or name a folder on another in SALESOPS_DATA",
    }
)
_TOLD = re.compile(
    r"no space left on device|disk is full|quota exceeded|file too large"
    r"|(?P<forbidden>read-?only file ?system|permission denied(?! for)|readonly database"
    r"|unable to open database file)",
    re.IGNORECASE,
)
"""How DuckDB, SQLite and dbt tell it, who know no numbers."""


def storage_error(error: BaseException) -> StorageError | None:
    """What to tell the user where an error comes of a disk or its permissions; else None."""
    for one in with_causes(error):
        if isinstance(one, OSError) and (one.errno in REMEDIES or one.filename is not None):
            remedy = REMEDIES.get(one.errno or 0, "make it a folder or file that can be used")
            place = f"{one.filename}: " if one.filename is not None else ""
            return StorageError(f"{place}{one.strerror or type(one).__name__}; {remedy}")
        if told := _TOLD.search(first_line(one)):
            remedy = FORBIDDEN if told["forbidden"] else FULL
            return StorageError(f"{first_line(one)}; {remedy}")
    return None
