"""Great Expectations, told what to judge: each table is a batch of one and the same asset.

Great Expectations takes seconds to import; only `Judge` does so, when it is first needed. It
rewrites its configuration whenever something is added to it, so one asset is added for all tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from expectations.frames import Rows
from expectations.lean import configured_once, load_when_used
from expectations.report import CheckResult, without_emails
from expectations.suites import Check, Suite
from ingestion.visible import visible

if TYPE_CHECKING:
    from great_expectations.core import (
        ExpectationSuiteValidationResult,
        ExpectationValidationResult,
    )
    from great_expectations.core.batch_definition import BatchDefinition

_RESULT_FORMAT = {
    "result_format": "SUMMARY",
    # Rows are told by their keys: values may be personal data.
    "exclude_unexpected_values": True,
    "return_unexpected_index_query": False,
}


class Judge:
    """Validates frames in a context of its own that writes nothing and phones nobody."""

    def __init__(self, run_id: str, parameters: Mapping[str, float]) -> None:
        """`parameters`: the limits that the run sets, by the name that checks call them."""
        load_when_used("scipy.stats")
        self._run_id = run_id
        self._parameters = dict(parameters)

    @cached_property
    def _rows(self) -> BatchDefinition:
        """Whatever frame it is asked for."""
        import great_expectations as gx
        from great_expectations.data_context.types.base import (
            DataContextConfig,
            InMemoryStoreBackendDefaults,
            ProgressBarsConfig,
        )

        context = gx.get_context(
            mode="ephemeral",
            project_config=DataContextConfig(
                store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
                analytics_enabled=False,
                progress_bars=ProgressBarsConfig(globally=False),
            ),
        )

        asset = context.data_sources.add_pandas("warehouse").add_dataframe_asset("rows")
        return asset.add_batch_definition_whole_dataframe("rows")

    def validate(self, suite: Suite, rows: Rows) -> tuple[tuple[CheckResult, ...], dict[str, Any]]:
        """The outcome of each check, and Great Expectations' own result as a JSON document."""
        validation = self._run(suite, rows)
        outcomes = {
            outcome.expectation_config.meta["check"]: outcome
            for outcome in validation.results
            if outcome.expectation_config
        }
        results = tuple(_result(check, outcomes[check.name], rows) for check in suite.checks)
        for result in results:
            _name_samples(outcomes[result.name], result)
        return results, validation.to_json_dict()

    def _run(self, suite: Suite, rows: Rows) -> ExpectationSuiteValidationResult:
        import great_expectations as gx

        suite_of_theirs = gx.ExpectationSuite(
            name=suite.table, expectations=[_expectation(check) for check in suite.checks]
        )
        with configured_once():
            validation = self._rows.get_batch({"dataframe": rows.frame}).validate(
                suite_of_theirs,
                result_format={**_RESULT_FORMAT, "partial_unexpected_count": suite.samples},
                expectation_parameters=self._parameters,
            )
        validation.meta["run_id"] = gx.RunIdentifier(run_name=self._run_id)
        return validation


def failed(check: Check, cause: str) -> CheckResult:
    """The outcome of a check that could not run: critical, since nobody knows what it would say."""
    return CheckResult(
        check.table,
        check.name,
        "critical",
        False,
        0,
        0,
        (),
        check.description,
        without_emails(cause),
    )


def _expectation(check: Check) -> Any:
    import great_expectations.expectations as gxe

    return getattr(gxe, check.expectation)(
        **check.arguments,
        severity=check.severity,
        description=check.description,
        meta={"check": check.name},
    )


def _result(check: Check, outcome: ExpectationValidationResult, rows: Rows) -> CheckResult:
    cause = _exception(outcome.exception_info)
    if cause:
        return failed(check, cause)
    found = outcome.result
    result = CheckResult(
        check.table,
        check.name,
        check.severity,
        bool(outcome.success),
        0,
        0,
        (),
        check.description,
        visible(found.get("observed_value")),
    )
    if "unexpected_count" not in found:
        return result
    checked = found["element_count"] - found.get("missing_count", 0)
    unexpected = found["unexpected_count"]
    return replace(
        result,
        checked=checked,
        unexpected=unexpected,
        sample_keys=tuple(
            dict.fromkeys(rows.key(i) for i in found["partial_unexpected_index_list"])
        ),
        observed=f"{unexpected:,} of {checked:,}",
    )


def _exception(info: Mapping[str, Any] | None) -> str | None:
    """What went wrong inside of an expectation: it reports one exception, or one per metric."""
    if not info:
        return None
    details = [info] if "raised_exception" in info else list(info.values())
    for detail in details:
        if detail["raised_exception"]:
            return str(detail["exception_message"]).partition("\n")[0]
    return None


def _name_samples(outcome: ExpectationValidationResult, result: CheckResult) -> None:
    """Make Data Docs name the failing rows by their keys, not by their positions."""
    if outcome.result.pop("partial_unexpected_index_list", None):
        outcome.result["partial_unexpected_list"] = list(result.sample_keys)
