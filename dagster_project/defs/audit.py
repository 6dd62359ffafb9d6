"""The Great Expectations audits as asset checks, and the Data Docs site that they fill."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from dagster_project.defs.pages import linked
from dagster_project.publication import MARTS
from dagster_project.publishing.comparison import compare
from dagster_project.run.pipeline_run import PipelineRun
from expectations.comparison import Comparison
from expectations.report import AuditReport, CheckResult
from expectations.suites import Layer, checks
from expectations.suites.hygiene import HYGIENE
from ingestion.company.settings import Company
from ingestion.optional import optional

OF_HYGIENE = frozenset(f"{MARTS}.fct_{entity}_hygiene" for entity in HYGIENE)
DATA_DOCS = dg.AssetKey(["published", "data_docs"])


def raw_checks(company: Company) -> dg.AssetChecksDefinition:
    """The audit of the raw tables: models are built only when it passes."""

    @dg.multi_asset_check(name="audit_raw", specs=_specs(company, "raw"), pool="warehouse")
    def audit_raw(run: dg.ResourceParam[PipelineRun]) -> Iterator[dg.AssetCheckResult]:
        yield from _outcomes(audit(run, "raw"))

    return audit_raw


def mart_checks(company: Company, manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The audit of the marts, which publication waits for, and the Data Docs of both audits."""
    specs = _specs(company, "marts")
    docs = dg.AssetSpec(
        DATA_DOCS,
        deps=sorted({spec.asset_key for spec in specs}),
        description=linked(
            "The Data Docs site: what was expected, and what was found.",
            "the Data Docs",
            "data_docs/index.html",
        ),
        group_name="published",
        kinds={"greatexpectations", "html"},
        owners=["team:data_engineering"],
    )

    @dg.multi_asset(
        name="audit_marts",
        specs=[docs],
        check_specs=specs,
        allow_arbitrary_check_specs=True,
        pool="warehouse",
    )
    def audit_marts(
        run: dg.ResourceParam[PipelineRun],
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        report = audit(run, "marts", compare(run, manifest))
        yield dg.MaterializeResult(
            asset_key=DATA_DOCS,
            metadata={"path": dg.MetadataValue.path(str(run.paths.data_docs / "index.html"))},
        )
        yield from _outcomes(report)

    return audit_marts


def _specs(company: Company, layer: Layer) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            check.name,
            asset=check.table.split("."),
            description=check.description,
            blocking=check.severity == "critical",
        )
        for check in checks(layer, company.source_types, company.extension)
    ]


def audit(run: PipelineRun, layer: Layer, comparisons: Sequence[Comparison] = ()) -> AuditReport:
    """Audit a layer, and write what was found into the Data Docs."""
    from expectations.docs import build
    from expectations.runner import audit as judge

    with run.phase(f"audit {layer}"):
        run.audits[layer] = judge(
            run.company,
            run.warehouse,
            layer,
            as_of=run.as_of,
            known_at=run.known_at,
            run_id=run.run_id,
            comparisons=comparisons,
        )
        if not run.is_time_travel:
            with optional("the Data Docs stay as they were"):
                build(run.company)
    return run.audits[layer]


def _outcomes(report: AuditReport) -> Iterable[dg.AssetCheckResult]:
    return (_outcome(result) for result in report.results)


def _outcome(result: CheckResult) -> dg.AssetCheckResult:
    """A check's outcome: records for people to put right are counted, and are no failure of a run.

    Some there always are. A check that could not be made has counted none, and fails.
    """
    is_critical = result.severity == "critical"
    is_for_people = result.table in OF_HYGIENE and not is_critical and result.unexpected > 0
    return dg.AssetCheckResult(
        asset_key=result.table.split("."),
        check_name=result.name,
        passed=result.success or is_for_people,
        severity=dg.AssetCheckSeverity.ERROR if is_critical else dg.AssetCheckSeverity.WARN,
        metadata={
            "checked": result.checked,
            "unexpected": result.unexpected,
            "sample_keys": ", ".join(result.sample_keys),
            "observed": result.observed,
        },
    )
