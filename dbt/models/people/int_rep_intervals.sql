-- How sure each person's shares, means and medians of a month are: of shares Wilson's interval, of
-- means Student's, of medians that of the ranks. Sums are no sample, and have none; nor has what is
-- divided by anything but its records.
with
    variants as (
        select metric, variant, kind
        from {{ ref("kpi_variants") }}
        where kind in ('share', 'quotient', 'median')
    ),

    values_of_reps as (
        select
            told.dimension_key as rep_id,
            told.period_start as month_start,
            told.metric,
            told.variant,
            variants.kind,
            told.value,
            told.n_included,
            cast(told.numerator as {{ double_type() }}) as numerator,
            cast(told.denominator as {{ double_type() }}) as denominator
        from {{ ref("kpi_values") }} as told
        inner join variants on told.metric = variants.metric and told.variant = variants.variant
        where
            told.period_grain = 'month'
            and told.dimension = 'rep'
            and told.dimension_key <> '(none)'
            and told.value is not null
    ),

    records as (
        select
            members.rep as rep_id,
            {{ month_start("members.period_on") }} as month_start,
            members.metric,
            members.variant,
            variants.kind,
            cast(members.numerator as {{ double_type() }}) as measure,
            members.denominator
        from {{ ref("kpi_members") }} as members
        inner join
            variants on members.metric = variants.metric and members.variant = variants.variant
        where
            variants.kind <> 'share'
            and members.exclusion_reason is null
            and members.rep <> '(none)'
            and members.period_on is not null
            and coalesce(members.counts_in, 'month') like '%month%'
    ),

    means as (
        select
            rep_id,
            month_start,
            metric,
            variant,
            count(*) as n,
            min(denominator) as least_denominator,
            max(denominator) as most_denominator,
            min(measure) as least_measure,
            {{ to_seven_digits("stddev_samp(measure)") }} as scatter
        from records
        where kind = 'quotient'
        group by rep_id, month_start, metric, variant
    ),

    -- Only medians need the order of their records.
    in_order as (
        select
            rep_id,
            month_start,
            metric,
            variant,
            measure,
            row_number() over (
                partition by rep_id, month_start, metric, variant order by measure
            ) as place,
            count(*) over (partition by rep_id, month_start, metric, variant) as n
        from records
        where kind = 'median'
    ),

    medians as (
        select
            rep_id,
            month_start,
            metric,
            variant,
            n,
            max(case when place = {{ median_low_rank("n") }} then measure end) as median_low,
            max(
                case when place = n + 1 - {{ median_low_rank("n") }} then measure end
            ) as median_high
        from in_order
        group by rep_id, month_start, metric, variant, n
    ),

    -- A mean is the sum of its records over how many they are.
    beside_samples as (
        select
            values_of_reps.*,
            means.least_measure,
            medians.median_low,
            medians.median_high,
            case
                when means.least_denominator = 1 and means.most_denominator = 1 and means.n > 1
                then {{ t_once_in_forty("means.n - 1") }} * means.scatter / sqrt(means.n)
            end as mean_margin
        from values_of_reps
        {%- for samples in ["means", "medians"] %}
            left join
                {{ samples }}
                on values_of_reps.rep_id = {{ samples }}.rep_id
                and values_of_reps.month_start = {{ samples }}.month_start
                and values_of_reps.metric = {{ samples }}.metric
                and values_of_reps.variant = {{ samples }}.variant
                and values_of_reps.n_included = {{ samples }}.n
        {%- endfor %}
    ),

    bounded as (
        select
            rep_id,
            month_start,
            metric,
            variant,
            case
                when kind = 'share'
                then {{ wilson_low("numerator", "denominator") }}
                when kind = 'median'
                then median_low
                when mean_margin is not null
                then greatest(value - mean_margin, least(least_measure, 0))
            end as low,
            case
                when kind = 'share'
                then {{ wilson_high("numerator", "denominator") }}
                when kind = 'median'
                then median_high
                else value + mean_margin
            end as high
        from beside_samples
    )

select *
from bounded
where low is not null
