"""Every KPI of the dictionary, computed from the world's event log and from nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from ingestion.sandbox.world import World
from ingestion.sandbox.world.schema import MEASURES
from tests.truth.activity import add_activity
from tests.truth.calendar import Office
from tests.truth.finance import add_finance
from tests.truth.history import History
from tests.truth.marketing import add_marketing
from tests.truth.outcome import add_outcome
from tests.truth.pipeline import add_pipeline
from tests.truth.quotas import Quotas, add_quotas
from tests.truth.stages import add_stages


def truth(
    world: World,
    *,
    timezone: str,
    fiscal_year_start_month: int,
    currency: str,
    as_of: datetime | None = None,
    loads: Sequence[datetime] = (),
    gross_margin: float | None = None,
    office: Office | None = None,
    has_finance: bool = True,
) -> pd.DataFrame:
    """What `kpi_values` must hold for a simulated company.

    One row per metric, variant, period and cut: `metric, variant, unit, period_grain,
    period_start` (a date; None for the grain all), `dimension, dimension_key` (source ids for rep,
    manager, campaign; labels otherwise; `(none)` where missing), `value, numerator, denominator`
    (floats; NaN is NULL), `n_included, n_excluded`. Money is in `currency`, periods are fiscal
    ones in `timezone`. Events after `as_of` (naive: UTC; default: the world's now) do not exist.
    The systems were loaded at `loads` (default: now alone), which tell of the teams at the time.
    `gross_margin` is the share of revenue that is left after its cost (none: not known), `office`
    when people work (none: Monday to Friday, nine to five). Without `has_finance` what customers
    and money tell is left out, which is most of the work.
    """
    history = History.of(world, timezone, fiscal_year_start_month, currency, as_of, loads, office)
    tall = history.tall()
    add_outcome(history, tall)
    quotas = {measure: Quotas(history, tall, measure) for measure in MEASURES}
    add_quotas(list(quotas.values()))
    add_pipeline(history, quotas["revenue"], tall)
    add_stages(history, tall)
    add_activity(history, tall)
    add_marketing(history, tall)
    if has_finance:
        add_finance(history, gross_margin, tall)
    return tall.frame()
