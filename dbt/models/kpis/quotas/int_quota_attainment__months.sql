{%- set dimensions = ["company", "team", "manager", "rep", "region", "segment"] %}
-- What counts for and against quotas, by month, cut and rep: the quota that holds, and what was won
-- by the people whom it covers on the days that it covers.
--
-- Day by day, the company's own quota holds, else the teams': each team's own, else those of its
-- reps. For a manager the target of the team holds, which everyone below the manager works for,
-- else the quotas of the reps. For reps, regions and segments the quotas of reps hold. `rep` is
-- NULL where a quota is nobody's but the team's or the company's own; among the company's,
-- `own_team` is the team whose it is. `left_out` is what reps won on days on which nothing covers
-- them, `of_others` on days on which only a team's or the company's does. A sum of quotas is NULL
-- where no rate values one, as may be in a look back.
with
    quotas as (select * from {{ ref("int_quotas__daily") }}),

    credits as (select * from {{ ref("int_quota_credits") }}),

    reps as (select * from {{ ref("dim_rep") }}),

    versions as (select * from {{ ref("int_user_versions") }}),

    of_reps as (
        select
            quotas.measure,
            quotas.month_start,
            quotas.date_day,
            quotas.target_key as rep,
            {{ or_none("versions.team") }} as team,
            {{ or_none("versions.manager_id") }} as manager,
            {{ or_none("reps.region") }} as region,
            {{ or_none("reps.segment") }} as segment,
            quotas.amount as quota,
            cast(null as {{ numeric_type() }}) as credit
        from quotas
        left join reps on quotas.target_key = reps.rep_id
        left join
            versions
            on quotas.target_key = versions.rep_id
            and {{ is_version_on("versions", "quotas.date_day") }}
        where quotas.target = 'rep'
    ),

    of_people as (
        select *
        from of_reps

        union all

        select
            measure,
            month_start,
            date_day,
            rep,
            team,
            manager,
            region,
            segment,
            null as quota,
            credit
        from credits
    ),

    -- Whose quotas cover a person on a day.
    covered as (
        select
            of_people.*,
            of_reps.rep is not null as has_own,
            of_teams.target_key is not null as has_teams,
            of_managers.target_key is not null as has_managers,
            of_company.target_key is not null as has_companys
        from of_people
        left join
            of_reps
            on of_people.measure = of_reps.measure
            and of_people.date_day = of_reps.date_day
            and of_people.rep = of_reps.rep
        {%- for target, key in [
                ("team", "of_people.team"),
                ("manager", "of_people.manager"),
                ("company", "'all'"),
            ] %}
                {%- set relation = "of_company" if target == "company" else "of_" ~ target ~ "s" %}
            left join
                quotas as {{ relation }}
                on {{ relation }}.target = '{{ target }}'
                and of_people.measure = {{ relation }}.measure
                and of_people.date_day = {{ relation }}.date_day
                and {{ key }} = {{ relation }}.target_key
        {%- endfor %}
    ),

    judged as (
        select
            *,
            has_own or has_teams or has_companys as is_covered,
            has_own and not has_teams and not has_companys as counts_for_company,
            has_own and not has_teams as counts_for_team,
            has_own and not has_managers as counts_for_manager
        from covered
    ),

    entries as (
        -- Quotas that are the company's, a team's, a manager's own.
        select
            measure,
            month_start,
            target as dimension,
            target_key as dimension_key,
            cast(null as {{ dbt.type_string() }}) as rep,
            cast(null as {{ dbt.type_string() }}) as own_team,
            amount as quota,
            cast(null as {{ numeric_type() }}) as won,
            cast(null as {{ numeric_type() }}) as left_out,
            cast(null as {{ numeric_type() }}) as of_others,
            0 as is_behind,
            case when measure = 'revenue' and amount is null then 1 else 0 end as lacks_rate
        from quotas
        where target <> 'rep'

        union all

        select
            of_teams.measure,
            of_teams.month_start,
            'company' as dimension,
            'all' as dimension_key,
            null as rep,
            of_teams.target_key as own_team,
            of_teams.amount as quota,
            null as won,
            null as left_out,
            null as of_others,
            0 as is_behind,
            case
                when of_teams.measure = 'revenue' and of_teams.amount is null then 1 else 0
            end as lacks_rate
        from quotas as of_teams
        left join
            quotas as of_company
            on of_company.target = 'company'
            and of_teams.measure = of_company.measure
            and of_teams.date_day = of_company.date_day
        where of_teams.target = 'team' and of_company.target_key is null

        {%- for dimension in dimensions %}
                {%- set counts, wins_count, is_behind = {
                    "company": ("counts_for_company", "is_covered", "is_covered"),
                    "team": (
                        "counts_for_team",
                        "has_own or has_teams",
                        "has_own or has_teams",
                    ),
                    "manager": (
                        "counts_for_manager",
                        "counts_for_manager",
                        "has_own or has_managers",
                    ),
                }.get(dimension, ("has_own", "has_own", "has_own")) %}

            union all

            -- Reps with their quotas, which count where nothing goes before them, and their wins.
            select
                measure,
                month_start,
                '{{ dimension }}' as dimension,
                {{ "'all'" if dimension == "company" else dimension }} as dimension_key,
                rep,
                null as own_team,
                case when {{ counts }} then quota end as quota,
                case when {{ wins_count }} then credit end as won,
                case
                    when
                        not is_covered and rep <> '(none)'
                        {{- " and not has_managers" if dimension == "manager" }}
                    then credit
                end as left_out,
                {% if dimension == "rep" -%}
                    case when is_covered and not has_own and rep <> '(none)' then credit end
                {%- else -%} null
                {%- endif %} as of_others,
                case when {{ is_behind }} then 1 else 0 end as is_behind,
                case
                    when {{ counts }} and measure = 'revenue' and coalesce(quota, credit) is null
                    then 1
                    else 0
                end as lacks_rate
            from judged
        {%- endfor %}

        union all

        -- Everyone below a manager works for the target of the manager's team.
        select
            credits.measure,
            credits.month_start,
            'manager' as dimension,
            lines.manager_id as dimension_key,
            credits.rep,
            null as own_team,
            null as quota,
            credits.credit as won,
            null as left_out,
            null as of_others,
            1 as is_behind,
            0 as lacks_rate
        from credits
        inner join
            {{ ref("int_reporting_lines") }} as lines
            on credits.rep = lines.rep_id
            and {{ is_version_on("lines", "credits.date_day") }}
        inner join
            quotas
            on quotas.target = 'manager'
            and credits.measure = quotas.measure
            and credits.date_day = quotas.date_day
            and lines.manager_id = quotas.target_key
    ),

    final as (
        select
            measure,
            month_start,
            dimension,
            dimension_key,
            rep,
            own_team,
            case when max(lacks_rate) = 0 then sum(quota) end as quota,
            sum(won) as won,
            sum(left_out) as left_out,
            sum(of_others) as of_others,
            max(is_behind) as is_behind,
            max(lacks_rate) as lacks_rate
        from entries
        group by measure, month_start, dimension, dimension_key, rep, own_team
    )

select *
from final
