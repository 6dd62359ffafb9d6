"""Now, as a run may take it: by a clock that is not behind what the warehouse knows."""

from __future__ import annotations

import datetime as dt

from ingestion.errors import SalesopsError
from ingestion.warehouse.warehouse import Warehouse


class ClockError(SalesopsError):
    """The machine's clock is behind what the warehouse knows."""


def now() -> dt.datetime:
    """The present moment, UTC without zone, as the warehouse stores timestamps."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


def present_of(warehouse: Warehouse) -> dt.datetime:
    """Now, by a clock that is not behind the newest finished load.

    What was loaded later than now is not known to a run: with a clock that is behind, all of that
    would be missing from what it publishes. There is no tolerance, for the newest load is missed
    by a second as well as by a year, and a clock that is corrected by a second has passed it in
    one. Raises ClockError.
    """
    moment, newest = now(), warehouse.newest_load()
    if newest and moment < newest:
        raise ClockError(
            f"this machine's clock says {moment:%Y-%m-%d %H:%M:%S} UTC, but the newest load in "
            f"{warehouse} was finished at {newest:%Y-%m-%d %H:%M:%S} UTC: a run would publish "
            "without it. Set the clock right and run again; what is published stays. If the clock "
            "is right and was ahead then, wait until that moment, or start anew with FRESH=1; "
            "KNOWN_AT='…' builds what was known at a moment, beside what is published"
        )
    return moment
