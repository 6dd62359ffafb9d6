{%- set window = 90 -%}
{%- set cuts = kpi_cuts() -%}
-- What the working days of the last {{ window }} days that are over brought, for each goal on something
-- that adds up whose period goes on; days that brought nothing have no row. What came on a day
-- off counts on
-- the working day before. Of a quota it is what those whom it is for brought.
with
    goals as (select * from {{ ref("int_goal_periods") }} where is_additive and not has_ended),

    days as (
        select
            date_day,
            max(case when is_working_day then date_day end) over (
                order by date_day rows between unbounded preceding and current row
            ) as counts_on
        from {{ ref("dim_date") }}
    ),

    lately as (
        select *
        from days
        where
            date_day < {{ ended_by_day() }}
            and counts_on >= {{ dbt.dateadd("day", -window, ended_by_day()) }}
    ),

    asked as (select distinct metric, variant from goals),

    members as (
        select members.*, lately.counts_on
        from {{ ref("kpi_members") }} as members
        inner join asked on members.metric = asked.metric and members.variant = asked.variant
        inner join lately on members.period_on = lately.date_day
        where members.exclusion_reason is null and members.counts_in is null
    ),

    by_cut as (
        select
            metric,
            variant,
            counts_on,
            case
                {%- for cut in cuts %} when grouping({{ cut }}) = 0 then '{{ cut }}' {%- endfor %}
            end as dimension,
            coalesce({{ cuts | join(", ") }}) as dimension_key,
            sum(numerator) as amount,
            count(case when side is null then 1 end) as n
        from members
        group by
            grouping sets (
                {%- for cut in cuts %}
                    (metric, variant, counts_on, {{ cut }}) {{- ',' if not loop.last }}
                {%- endfor %}
            )
    ),

    of_goals as (
        select goals.goal, goals.period_start, by_cut.counts_on, by_cut.amount, by_cut.n
        from goals
        inner join
            by_cut
            on goals.metric = by_cut.metric
            and goals.variant = by_cut.variant
            and goals.dimension = by_cut.dimension
            and goals.dimension_key = by_cut.dimension_key
        where goals.kind_of_goal = 'goal'
    ),

    -- Whose wins count against a quota: everyone's of whom it is, where it is the company's or a
    -- team's own; else of the reps, and among the company's of the teams, whose quotas it adds up.
    behind as (
        select
            case variant when 'default' then 'revenue_won' else 'deals_won' end as metric,
            counts_in as period_grain,
            period_on as period_start,
            case
                when company is not null then 'company' when team is not null then 'team' else 'rep'
            end as dimension,
            coalesce(company, team, rep) as dimension_key,
            case
                when entity = 'user'
                then 'rep'
                when entity_id = coalesce(company, team)
                then 'all'
                else 'team'
            end as whose,
            case
                when entity = 'quota' and entity_id = coalesce(company, team)
                then 'all'
                else entity_id
            end as who
        from {{ ref("kpi_members") }}
        where
            metric = 'quota_attainment'
            and variant in ('default', 'deals')
            and exclusion_reason is null
            and coalesce(side, 'denominator') = 'denominator'
            and coalesce(company, team, rep) is not null
    ),

    by_person as (
        select metric, counts_on, rep, team, sum(numerator) as amount, count(*) as n
        from members
        where metric in ('revenue_won', 'deals_won') and variant = 'default'
        group by metric, counts_on, rep, team
    ),

    by_part as (
        {%- for dimension in ["company", "team", "rep"] %}
            select
                '{{ dimension }}' as dimension,
                {{ "'all'" if dimension == "company" else dimension }} as dimension_key,
                by_person.*
            from by_person {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    of_quotas as (
        select goals.goal, goals.period_start, by_part.counts_on, by_part.amount, by_part.n
        from goals
        inner join
            by_part
            on goals.metric = by_part.metric
            and goals.dimension = by_part.dimension
            and goals.dimension_key = by_part.dimension_key
        {%- for whose, who in [
                ("all", "'all'"),
                ("rep", "by_part.rep"),
                ("team", "by_part.team"),
            ] %}
            left join
                (
                    select distinct
                        metric, period_grain, period_start, dimension, dimension_key, who
                    from behind
                    where whose = '{{ whose }}'
                ) as behind_{{ whose }}
                on goals.metric = behind_{{ whose }}.metric
                and goals.period_grain = behind_{{ whose }}.period_grain
                and goals.period_start = behind_{{ whose }}.period_start
                and goals.dimension = behind_{{ whose }}.dimension
                and goals.dimension_key = behind_{{ whose }}.dimension_key
                and {{ who }} = behind_{{ whose }}.who
        {%- endfor %}
        where
            goals.kind_of_goal = 'quota'
            and coalesce(behind_all.who, behind_rep.who, behind_team.who) is not null
    ),

    united as (
        select *
        from of_goals

        union all

        select *
        from of_quotas
    ),

    final as (
        select goal, period_start, counts_on, sum(amount) as amount, sum(n) as n
        from united
        group by goal, period_start, counts_on
    )

select *
from final
