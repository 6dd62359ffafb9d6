"""The moment of a load, and which loads have finished: one spelling for all who ask.

dbt's macro `loaded_at` is written from it by `make contract`.
"""

from __future__ import annotations

LOADS = "_dlt_loads"
"""dlt's table of loads, in every dataset: a load that it does not name, or not with status 0, is
not finished, and none of its rows exists."""
LOAD_ID = "_dlt_load_id"
"""The column of every raw row that says which load it came with."""


def loaded_at(loads: str = "") -> str:
    """SQL of the moment of a row of LOADS (as `loads` names it): UTC without zone.

    dlt writes it with a zone. A bare cast to a timestamp would be on the clock of the session.
    """
    return f"cast({loads + '.' if loads else ''}inserted_at at time zone 'UTC' as timestamp)"


def finished_loads(dataset: str, *moments: str) -> str:
    """SQL of the ids of a dataset's finished loads, of moments such as `<= ?`."""
    return f"select load_id from {dataset}.{LOADS} where status = 0" + "".join(
        f" and {loaded_at()} {moment}" for moment in moments
    )


def is_finished(dataset: str, rows: str = "") -> str:
    """SQL of whether a raw row (as `rows` names it) came with a load that has finished."""
    return f"{rows + '.' if rows else ''}{LOAD_ID} in ({finished_loads(dataset)})"
