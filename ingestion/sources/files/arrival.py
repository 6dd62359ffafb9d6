"""Files that others are still writing: they are waited for, and never taken for what they were.

What is loaded is known by the hash of its files. A file that changes between being hashed and being
read would be kept under the hash of what it was, and be unchanged ever after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep, time

from ingestion.errors import Gathered, SourceError

REST = 2.0
"""For how many seconds a file must not have changed to be taken for whole."""
PATIENCE = 30.0
"""How many seconds a run waits for that."""
REMEDY = (
    "so nothing of this source was loaded. Run again once it is whole; whoever writes it had "
    "better write another name, and rename it when it is done"
)


@dataclass(frozen=True)
class Stamp:
    """What tells that a file has been written or replaced; moments in nanoseconds since 1970."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, file: Path) -> Stamp:
        """The stamp of a file as it is now. Raises SourceError where it cannot be told."""
        try:
            found = file.stat()
        except OSError as error:
            raise SourceError(f"{file}: cannot be read ({error.strerror})") from None
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def stamps_at_rest(
    files: Sequence[Path], seconds: float, waiting: Callable[[Iterable[Path]], None]
) -> dict[Path, Stamp]:
    """The stamps of files once none was written within the last REST seconds.

    `waiting` is told once what is waited for. A clock that files are dated by may differ from ours:
    what is dated later than now is watched for as long. Raises SourceError of files that change on
    after `seconds`, or are gone.
    """
    began = monotonic()
    seen: dict[Path, tuple[Stamp, float]] = {}
    is_told = False
    while True:
        now = monotonic()
        for file in files:
            stamp = Stamp.of(file)
            if file not in seen:
                seen[file] = (stamp, now - max(0, time() - stamp.modified_ns / 1e9))
            elif seen[file][0] != stamp:
                seen[file] = (stamp, now)
        left = {file: REST - (now - at) for file, (_, at) in seen.items() if now - at < REST}
        if not left:
            return {file: stamp for file, (stamp, _) in seen.items()}
        if now - began >= seconds:
            raise SourceError(*(_still_written(file, now - began) for file in left))
        if not is_told:
            waiting(left)
        is_told = True
        sleep(min(left.values()))


def refuse_changed(stamps: Mapping[Path, Stamp]) -> None:
    """Stop a load of files that are no longer as they were. Raises SourceError of all of them."""
    wrong = Gathered()
    for file, stamp in stamps.items():
        with wrong.each():
            if Stamp.of(file) != stamp:
                raise SourceError(f"{file}: changed while it was read, {REMEDY}")
    wrong.raise_any()


def _still_written(file: Path, seconds: float) -> str:
    return f"{file}: still being written after {seconds:.0f} seconds of waiting, {REMEDY}"
