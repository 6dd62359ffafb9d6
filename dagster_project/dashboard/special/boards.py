"""All special boards, in the order in which their pages show them."""

from __future__ import annotations

from dagster_project.dashboard.special import money, pipeline, quality, trust, velocity
from dagster_project.dashboard.special.model import SpecialBoard

SPECIAL_BOARDS: tuple[SpecialBoard, ...] = (
    *pipeline.BOARDS,
    *velocity.BOARDS,
    *money.BOARDS,
    *quality.BOARDS,
    *trust.BOARDS,
)
