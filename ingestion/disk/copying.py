"""Copies of files, as cheap as the disk makes them."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

CANNOT = frozenset({errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM})
"""What the system says where it, or one of the disks, has no copying of its own."""


def copy_file(source: Path, target: Path) -> None:
    """Copy a file's content to a new file, which shares nothing that a later write changes.

    The system copies it; a disk that can notes only that both have the same content until one is
    written to. Raises OSError, as where there is no room.
    """
    with source.open("rb") as content, target.open("xb") as copy:
        left = os.fstat(content.fileno()).st_size
        try:
            while left > 0:
                copied = os.copy_file_range(content.fileno(), copy.fileno(), left)
                if not copied:
                    break
                left -= copied
        except OSError as error:
            if error.errno not in CANNOT:
                raise
        if left:
            content.seek(0)
            copy.seek(0)
            shutil.copyfileobj(content, copy, 1 << 20)
