"""SQL that boards share: which periods have ended, and intervals of shares."""

THIS_PERIOD = """
    -- The pipeline has a row for each period up to the one that is not over.
    this_month as (
        select max(period_start) as period_start
        from marts.fct_pipeline_bridge
        where period_grain = 'month' and dimension = 'company'
    ),

    this_period as (
        select unnest([
            {'period_grain': 'month', 'period_start': month_start},
            {'period_grain': 'quarter', 'period_start': fiscal_quarter_start},
            {'period_grain': 'year', 'period_start': fiscal_year_start}
        ], recursive := true)
        from marts.dim_date
        where date_day = (select period_start from this_month)
    )
"""
"""A step `this_period`: by grain, the first day of the (fiscal) period that is not over."""

WILSON = """
    case
        when {whole} > 0 and {part} is not null
        then greatest(0, (
            ({part} + 1.9207294) / ({whole} + 3.8414588)
            - 1.959964 / ({whole} + 3.8414588)
            * sqrt(cast({part} as double) * ({whole} - {part}) / {whole} + 0.9603647)
        ))
    end as {name}_low,
    case
        when {whole} > 0 and {part} is not null
        then least(1, (
            ({part} + 1.9207294) / ({whole} + 3.8414588)
            + 1.959964 / ({whole} + 3.8414588)
            * sqrt(cast({part} as double) * ({whole} - {part}) / {whole} + 0.9603647)
        ))
    end as {name}_high
"""
"""Wilson's interval (95%) of a share, for those of which the published tables have none."""
