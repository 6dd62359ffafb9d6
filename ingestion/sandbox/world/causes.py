"""The true parameters of the simulated company: what an analyst should be able to find."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Causes:
    """Why the numbers come out as they do.

    Conversion effects are odds ratios on a deal's chance to advance when it leaves a stage (or, for
    leads, on the chance to become a deal). Stage names are those of `schema.STAGES`.
    """

    fast_response_hours: float = 1.0
    """A lead answered within this many hours converts better, by `fast_response_odds`."""
    fast_response_odds: float = 1.8
    slow_response_hours: float = 24.0
    """A lead answered later than this converts worse, by `slow_response_odds`."""
    slow_response_odds: float = 0.45
    slow_responder_share: float = 0.25
    """Share of reps whose median response is `slow_responder_hours`, not `responder_hours`."""
    responder_hours: float = 2.5
    slow_responder_hours: float = 28.0

    bottleneck_stage: str = "Negotiation"
    """From `bottleneck_from` on, visits to this stage take `bottleneck_factor` times as long."""
    bottleneck_from: date = date(2025, 2, 1)
    bottleneck_factor: float = 2.4

    weak_skill_share: float = 0.3
    """Share of reps who lack the skill of one stage: advancing from it has `weak_skill_odds`."""
    weak_skill_odds: float = 0.35
    trained_skill_odds: float = 0.75
    """The same once the rep has completed the course of that stage."""
    ramp_days: int = 180
    """A new rep's odds grow linearly from `ramp_odds` to 1 over this many days."""
    ramp_odds: float = 0.5

    stale_after_days: int = 21
    """An open deal without activity for longer advances with `stale_odds` and is lost at
    `stale_loss_per_day`."""
    stale_odds: float = 0.4
    stale_loss_per_day: float = 0.012

    season: tuple[float, ...] = (
        0.9, 1.0, 1.1, 0.95, 1.0, 1.1, 0.85, 0.75, 1.1, 1.05, 1.15, 0.95,
    )  # fmt: skip
    """Demand (new leads and deals) by calendar month, January first."""
    quarter_end_pace: float = 1.5
    """Stage moves happen this much faster in the last 14 days of a calendar quarter."""
    bad_quarter: date = date(2024, 7, 1)
    """First day of the quarter with `bad_quarter_demand` and `bad_quarter_odds`."""
    bad_quarter_demand: float = 0.75
    bad_quarter_odds: float = 0.55

    experiment_stage: str = "Proposal"
    """Deals that enter this stage within the experiment are split evenly; treated ones advance
    from it with `experiment_odds`."""
    experiment_from: date = date(2024, 1, 8)
    experiment_to: date = date(2024, 12, 20)
    experiment_odds: float = 1.7

    channel_odds: tuple[float, ...] = (1.0, 0.6, 1.2, 1.3, 0.8, 2.2, 0.9)
    """Lead conversion by channel, in the order of `schema.CHANNELS`."""

    late_entry_share: float = 0.08
    """Share of closings that are entered days after the date that they bear."""
    left_date_share: float = 0.05
    """Share of closings whose record keeps the date once expected, past or still to come."""
    bare_date_share: float = 0.2
    """Share of the other closings whose record has a day, not a moment."""
    lagging_share: float = 0.04
    """Share of closings that the history tells of only days later."""

    relabelled_on: date = date(2024, 2, 20)
    """On this day the stages in `schema.RELABELLED` get another name."""

    growth_per_year: float = 1.15
    """Demand grows by this factor every year."""
