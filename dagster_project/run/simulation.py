"""Simulated companies (`sandbox: true` in company.yml): their systems are up while a run lasts.

Nothing else of the product knows the sandbox, which knows of the product only its kind of error.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dagster_project.run.lock import run_lock
from ingestion.company.settings import Company
from ingestion.errors import SalesopsError
from ingestion.paths import CompanyPaths
from ingestion.sandbox import service

log = logging.getLogger("salesops")


class SimulationError(SalesopsError):
    """The company cannot be simulated as asked."""


@dataclass(frozen=True)
class Simulation:
    """What may be asked of a simulated company.

    It goes on by `days` before it is loaded; `scale` and `seed` choose it when it is founded.
    """

    days: int = 0
    scale: float | None = None
    seed: int | None = None

    def check(self, company: Company, is_time_travel: bool) -> None:
        """Raise SimulationError when that cannot be done, or not with this company."""
        if self == Simulation():
            return
        if not company.sandbox:
            raise SimulationError(
                "DAYS, SCALE and SEED are for simulated companies; "
                f"{company.path} does not say 'sandbox: true'"
            )
        if is_time_travel:
            raise SimulationError(
                "DAYS, SCALE and SEED go with neither AS_OF nor KNOWN_AT: a look back loads nothing"
            )
        if self.days < 0:
            raise SimulationError(f"DAYS={self.days}: give a number of days, 0 or more")
        if self.scale is not None and not (self.scale > 0 and math.isfinite(self.scale)):
            raise SimulationError(f"SCALE={self.scale:g}: give a number above 0, such as 0.1")
        if self.seed is not None and self.seed < 0:
            raise SimulationError(f"SEED={self.seed}: give a whole number, 0 or more")


@contextmanager
def systems_up(company: Company, simulation: Simulation, is_time_travel: bool) -> Iterator[Company]:
    """The company as a run may read it: a simulated one is served until the context is left.

    Its now is then its own present. Looking back reads no system, so none is started.
    """
    root = CompanyPaths.of(company).root
    if not company.sandbox:
        yield company
    elif is_time_travel:
        yield company.model_copy(update={"as_of": company.as_of or service.present(root)})
    else:
        started = time.perf_counter()
        asked = simulation.days, simulation.scale, simulation.seed
        with service.running(root, _use(company), *asked) as sandbox:
            log.info("sandbox: up after %.1f s", time.perf_counter() - started)
            yield connected(company, sandbox)


def connected(company: Company, sandbox: service.Sandbox) -> Company:
    """The company as of the sandbox's present, its sources pointed to the sandbox's systems.

    What gives access to them is in the environment then.
    """
    sources = []
    for source in company.sources:
        if system := sandbox.systems.get(source.type):
            source, secrets = source.pointed_to(system.url, system.secret)
            os.environ.update(secrets)
        sources.append(source)
    as_of = company.as_of or sandbox.now
    return company.model_copy(update={"sources": tuple(sources), "as_of": as_of})


def found(company: Company, simulation: Simulation = Simulation()) -> None:
    """Make sure that a simulated company is there, with its exports."""
    paths = CompanyPaths.of(company)
    if service.present(paths.root):
        return
    with run_lock(paths.lock, "founding"):
        asked = simulation.days, simulation.scale, simulation.seed
        service.prepare(paths.root, _use(company), *asked)


def export(folder: Path, simulation: Simulation) -> None:
    """Write a simulated company whose every entity is an export: its file is in `folder`."""
    service.export_company(folder, simulation.days, simulation.scale, simulation.seed)


def _use(company: Company) -> service.Use:
    """What the company's sources read: of an export, what a source of no system gives."""
    types = {source.type for source in company.sources}
    exports = {
        entity
        for source in company.sources
        if source.type not in service.SYSTEMS
        for entity in source.entities_given
    }
    return service.Use(sorted(types), sorted(exports))
