"""How Dagster launches a company's runs, and how its daemon finds that one has died."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster import DagsterRun, Field, StringSource
from dagster._config.config_schema import UserConfigSchema
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._serdes import ConfigurableClassData

from dagster_project.run.lock import holder

STARTING_SECONDS = 120
"""Within which a run that has begun takes the company's lock."""

LOOKS, PAUSE_SECONDS = 5, 1.0
"""A run that ends gives the lock back before its end is recorded: so nobody is dead at one look."""


class CompanyRunLauncher(DefaultRunLauncher):
    """Dagster's own launcher; a run lives as long as it holds the lock, whoever launched it."""

    def __init__(self, lock: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        self._lock = Path(lock)

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """The lock file of the company."""
        return {"lock": Field(StringSource)}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> CompanyRunLauncher:
        """Make the launcher that `dagster.yaml` describes."""
        return cls(inst_data=inst_data, **config_value)

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Yes: so the daemon ends runs that have died."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether a run that has begun is alive; the daemon asks now and then."""
        if self._has_just_begun(run) or self._holds_lock(run):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "it ended without saying so")

    def _has_just_begun(self, run: DagsterRun) -> bool:
        record = self._instance.get_run_record_by_id(run.run_id)
        began = record.start_time if record else None
        return began is not None and time.time() - began < STARTING_SECONDS

    def _holds_lock(self, run: DagsterRun) -> bool:
        for _ in range(LOOKS):
            if holder(self._lock) == run.run_id:
                return True
            time.sleep(PAUSE_SECONDS)
        return False
