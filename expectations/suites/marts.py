"""Suites of the marts: numbers that make sense, and records that somebody must put right."""

from __future__ import annotations

from dataclasses import replace

from expectations.comparison import MIN_SHARE
from expectations.suites.hygiene import HYGIENE
from expectations.suites.model import Check, Suite, between, never

_KPI_VALUES = """
    with kpis as (
        select
            kpi_values.*,
            variants.kind
        from marts.kpi_values as kpi_values
        left join marts.kpi_variants as variants
            on kpi_values.metric = variants.metric and kpi_values.variant = variants.variant
    ),

    sums as (
        select * from kpis where kind = 'sum'
    ),

    companies as (
        select * from sums where dimension = 'company'
    ),

    cuts as (
        select
            metric,
            variant,
            period_grain,
            period_start,
            dimension,
            sum(value) as parts
        from sums
        group by metric, variant, period_grain, period_start, dimension
        having count(*) = count(value)
    ),

    wrong_cuts as (
        select cuts.*
        from cuts
        left join companies
            on cuts.metric = companies.metric
            and cuts.variant = companies.variant
            and cuts.period_grain = companies.period_grain
            and cuts.period_start is not distinct from companies.period_start
        where
            (companies.metric is null or companies.value is not null)
            and abs(cuts.parts - coalesce(companies.value, 0)) > 0.005
    )

    select
        kpis.*,
        kpis.metric || '.' || kpis.variant as metric_variant,
        wrong_cuts.metric is not null as is_of_wrong_cut
    from kpis
    left join wrong_cuts
        on kpis.metric = wrong_cuts.metric
        and kpis.variant = wrong_cuts.variant
        and kpis.period_grain = wrong_cuts.period_grain
        and kpis.period_start is not distinct from wrong_cuts.period_start
        and kpis.dimension = wrong_cuts.dimension
"""


_DEALS = (
    never(
        "rate_missing",
        "critical",
        "Every amount is converted: its currency has a rate of its day. What was open at a past"
        " moment may lack one, as it may at a past month's end. Give fx_rates, up to 31 days"
        " before.",
        "removal is null and amount_native is not null and amount is null"
        " and not ({is_look_back} and closed_on is null)",
    ),
    never(
        "created_ahead",
        "critical",
        "No deal was created after the moment that the marts are of.",
        "created_at > {as_of}",
    ),
    never(
        "stage_unknown",
        "warning",
        "The deal's stage is one of a pipeline; another one counts as open.",
        "removal is null and stage is not null and stage_order is null",
    ),
)

_STAGES = (
    never(
        "rename_inferred",
        "warning",
        "A stage keeps its name, or has an id that tells that it was renamed. One that vanished as"
        " another one appeared in its place is taken for it. If it is not, list the old stage once"
        " more for one run; if stages have ids, map source_id.",
        "is_rename_inferred",
    ),
)

_QUOTAS = (
    never(
        "given_twice",
        "critical",
        "A target has one quota of a measure, grain and first day, in whatever source. Remove the"
        " others from their files.",
        "times_given > 1",
    ),
    never(
        "rate_missing",
        "critical",
        "Every revenue quota is converted: its currency has a rate of its first day. One that was"
        " still to come at a past moment may lack one. Give fx_rates, up to 31 days before.",
        "measure = 'revenue' and amount is null"
        " and not ({is_look_back} and period_start > {as_of_day})",
    ),
)

_RATE = (
    "Every amount is converted: its currency has a rate of its day. Give fx_rates, up to 31 days"
    " before."
)

_MONEY = {
    ("fct_spend_daily", ("source_instance", "spend_day_id")): (
        never("rate_missing", "critical", _RATE, "spend is null"),
    ),
    ("fct_costs", ("source_instance", "cost_id")): (
        never("rate_missing", "critical", _RATE, "amount is null"),
    ),
    ("fct_invoices", ("source_instance", "invoice_id")): (
        never(
            "rate_missing",
            "critical",
            _RATE,
            "standing <> 'does_not_count' and amount is null",
        ),
        never(
            "receivable_not_what_is_left",
            "critical",
            "What is receivable of an invoice is what was invoiced and not paid or credited.",
            "abs(amount - paid - credited - receivable) > 0.005",
        ),
    ),
    ("fct_payments", ("source_instance", "payment_id")): (
        never(
            "rate_missing",
            "critical",
            _RATE,
            "amount is null and occurred_at is not null",
        ),
    ),
    ("fct_mrr_movements", ("customer_key", "month_start")): (
        never(
            "rate_missing",
            "critical",
            "The recurring revenue of now is converted: its currency has a rate of today. Of a past"
            " month's end it may lack one. Give fx_rates, up to 31 days before.",
            "closing is null and ends_on = {as_of_day} and not {is_look_back}",
        ),
        never(
            "movements_not_the_difference",
            "critical",
            "Recurring revenue closes at what it opened with and what moved it.",
            "abs(opening + new + expansion + contraction + churn + reactivation + currency"
            " - closing) > 0.005",
        ),
    ),
}

_REFERENCES = (
    never(
        "over_a_tenth_resolves",
        "critical",
        "Of 20 or more references to what a source provides, at least a tenth resolve.",
        "is_critical",
    ),
    never(
        "resolves",
        "warning",
        "What records point at is known, merges come to an end, and an id has one name.",
        "n_unresolved > 0 and not is_critical",
    ),
)

_KPIS = (
    Check(
        "kpis_given",
        "critical",
        "There are KPIs. Without any the sources have given no deals: see the rows rejected and the"
        " exports without rows.",
        "ExpectTableRowCountToBeBetween",
        {"min_value": 1},
        {},
    ),
    between(
        "share_in_range",
        "critical",
        "A share of a whole lies between 0 and 1.",
        column="share",
        expression="case when kind = 'share' then value end",
        minimum=0,
        maximum=1,
    ),
    never(
        "value_without_denominator",
        "critical",
        "Where there is nothing to divide by, there is no value.",
        "denominator = 0 and value is not null",
    ),
    never(
        "value_not_quotient",
        "critical",
        "The value is numerator / denominator.",
        "denominator <> 0 and numerator is not null and (value is null or"
        " abs(value - cast(numerator as double precision) / nullif(denominator, 0))"
        " > 0.000001 * (1 + abs(value)))",
    ),
    never(
        "parts_differ_from_whole",
        "critical",
        "The parts of an additive metric add up to the company's value, to the cent, where all are"
        " known.",
        "is_of_wrong_cut",
    ),
    never(
        "period_ahead",
        "warning",
        "No period begins after the moment that the marts are of.",
        "metric <> 'pipeline_coverage' and period_start > {as_of_day}",
    ),
)

_PUBLISHED = (
    between(
        "most_is_left",
        "critical",
        "Of its rows, and of each headline total of a period that had ended, at least 80% of the"
        " last publication are there, unless the sources have deleted or corrected more since. If"
        " it is right all the same, FORCE=1 publishes it.",
        column="share",
        minimum=MIN_SHARE,
    ),
)


def _suite(
    name: str,
    keys: tuple[str, ...],
    checks: tuple[Check, ...],
    relation: str = "",
    may_be_empty: bool = True,
    samples: int = 5,
) -> Suite:
    table = f"marts.{name}"
    return Suite(
        table,
        relation or f"select * from {table}",
        keys,
        tuple(replace(check, table=table) for check in checks),
        may_be_empty,
        samples,
    )


SUITES = (
    _suite("fct_opportunities", ("source_instance", "opportunity_id"), _DEALS),
    _suite(
        "fct_quotas",
        (
            "target",
            "target_key",
            "period_grain",
            "period_start",
            "measure",
            "currency",
            "given_by",
        ),
        _QUOTAS,
    ),
    *(_suite(name, keys, checks) for (name, keys), checks in _MONEY.items()),
    _suite("mart_references", ("summary",), _REFERENCES, samples=100),
    _suite(
        "dim_stage",
        ("source_instance", "pipeline", "names"),
        _STAGES,
        "select *, coalesce(former_names || ' now ', '') || stage as names from marts.dim_stage",
    ),
    *(
        _suite(f"fct_{entity}_hygiene", ("source_instance", "source_id"), rules)
        for entity, rules in HYGIENE.items()
    ),
    _suite(
        "kpi_values",
        ("metric_variant", "period_grain", "period_start", "dimension", "dimension_key"),
        _KPIS,
        _KPI_VALUES,
        may_be_empty=False,
    ),
    _suite(
        "mart_restatements",
        ("compared",),
        _PUBLISHED,
        "select * from ({comparisons}) as comparisons",
        may_be_empty=False,
    ),
)
