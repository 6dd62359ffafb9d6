"""All special boards, in the order in which their pages show them."""

from __future__ import annotations

from dagster_project.dashboard.special.activity import ACTIVITY_BOARD
from dagster_project.dashboard.special.benchmarks import BENCHMARKS_BOARD
from dagster_project.dashboard.special.bottlenecks import BOTTLENECKS_BOARD, HELD_UP_BOARD
from dagster_project.dashboard.special.bridge import BRIDGE_BOARD
from dagster_project.dashboard.special.campaigns import SPEND_BOARD
from dagster_project.dashboard.special.changes import CHANGED_DEALS_BOARD, CHANGES_BOARD
from dagster_project.dashboard.special.cohorts import COHORTS_BOARD
from dagster_project.dashboard.special.definitions import DEFINITIONS_BOARD, EXCLUSIONS_BOARD
from dagster_project.dashboard.special.leads import CHANNELS_BOARD
from dagster_project.dashboard.special.model import SpecialBoard
from dagster_project.dashboard.special.open_deals import AGE_BOARD, COVERAGE_BOARD
from dagster_project.dashboard.special.quality import (
    FIX_FIRST_BOARD,
    REFERENCES_BOARD,
    SCORES_BOARD,
)
from dagster_project.dashboard.special.ramp import RAMP_BOARD
from dagster_project.dashboard.special.receivables import RECEIVABLES_BOARD
from dagster_project.dashboard.special.recurring_revenue import MRR_BOARD
from dagster_project.dashboard.special.restatements import RESTATEMENTS_BOARD
from dagster_project.dashboard.special.scorecards import SCORECARDS_BOARD
from dagster_project.dashboard.special.stage_funnel import FUNNEL_BOARD

SPECIAL_BOARDS: tuple[SpecialBoard, ...] = (
    BRIDGE_BOARD,
    AGE_BOARD,
    COVERAGE_BOARD,
    CHANGES_BOARD,
    CHANGED_DEALS_BOARD,
    FUNNEL_BOARD,
    BOTTLENECKS_BOARD,
    HELD_UP_BOARD,
    CHANNELS_BOARD,
    SPEND_BOARD,
    MRR_BOARD,
    COHORTS_BOARD,
    RECEIVABLES_BOARD,
    SCORECARDS_BOARD,
    RAMP_BOARD,
    ACTIVITY_BOARD,
    FIX_FIRST_BOARD,
    SCORES_BOARD,
    REFERENCES_BOARD,
    RESTATEMENTS_BOARD,
    EXCLUSIONS_BOARD,
    DEFINITIONS_BOARD,
    BENCHMARKS_BOARD,
)
