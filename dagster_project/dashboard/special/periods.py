"""Which periods have ended: SQL that boards share."""

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
