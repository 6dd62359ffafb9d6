-- Per course and who took it, and per span of 180 days before and after: the visits to the
-- stages of its skill, and those of reps who had not taken it by the end of the last span, of
-- the same tenure in the same days; visits with fewer than ten of those are left out. Who took
-- a course twice took it the first time. Who was in need of it is told by the year before the
-- spans: were it told by the first span, the need would partly be bad luck, and the course be
-- praised for its end.
{%- set taken = ["course", "skill", "rep_id"] %}
{%- set stratum = ["course", "skill", "source_instance", "pipeline", "stage", "tenure"] %}
{%- set in_span = stratum + ["span", "over_on"] %}
with
    courses as (
        select
            user_id as rep_id,
            course,
            coalesce(nullif(skill, ''), course) as skill,
            {{ local_day("min(completed_at)") }} as completed_on
        from {{ ref("int_training__unioned") }}
        where not is_deleted and completed_at <= {{ as_of() }}
        group by user_id, course, coalesce(nullif(skill, ''), course)
    ),

    spans as (
        {%- for span, first, last in [
            ("earlier", -545, -181),
            ("before", -180, -1),
            ("after", 1, 180),
        ] %}
            select
                rep_id,
                course,
                skill,
                '{{ span }}' as span,
                cast({{ dbt.dateadd("day", first, "completed_on") }} as date) as first_day,
                cast({{ dbt.dateadd("day", last, "completed_on") }} as date) as last_day,
                cast({{ dbt.dateadd("day", 180, "completed_on") }} as date) as over_on
            from courses {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    visits as (select * from {{ ref("int_led_visits") }} where is_peer),

    own_visits as (
        select
            spans.course,
            spans.skill,
            spans.rep_id,
            spans.span,
            visits.source_instance,
            visits.pipeline,
            visits.stage,
            visits.tenure,
            min(spans.first_day) as first_day,
            min(spans.last_day) as last_day,
            min(spans.over_on) as over_on,
            count(*) as visits,
            sum(visits.is_advanced) as advanced
        from spans
        inner join
            visits
            on spans.rep_id = visits.rep_id
            and lower(spans.skill) = lower(visits.stage)
            and visits.exited_on between spans.first_day and spans.last_day
        group by
            spans.course,
            spans.skill,
            spans.rep_id,
            spans.span,
            visits.source_instance,
            visits.pipeline,
            visits.stage,
            visits.tenure
    ),

    -- Those who took a course on one day have the same spans, and the same others beside them.
    asked as (select distinct {{ in_span | join(", ") }}, first_day, last_day from own_visits),

    trained as (select distinct course, skill from courses),

    -- By when who led them took the course, too, if ever: it tells beside whom they are others'.
    visits_by_day as (
        select
            trained.course,
            trained.skill,
            visits.source_instance,
            visits.pipeline,
            visits.stage,
            visits.tenure,
            visits.exited_on,
            courses.completed_on,
            count(*) as visits,
            sum(visits.is_advanced) as advanced
        from trained
        inner join visits on lower(trained.skill) = lower(visits.stage)
        left join
            courses
            on trained.course = courses.course
            and trained.skill = courses.skill
            and visits.rep_id = courses.rep_id
        group by
            trained.course,
            trained.skill,
            visits.source_instance,
            visits.pipeline,
            visits.stage,
            visits.tenure,
            visits.exited_on,
            courses.completed_on
    ),

    others as (
        select
            asked.{{ in_span | join(", asked.") }},
            cast(sum(visits_by_day.visits) as bigint) as other_visits,
            cast(sum(visits_by_day.advanced) as bigint) as other_advanced
        from asked
        inner join
            visits_by_day
            on {{ equal_columns("asked", "visits_by_day", stratum) }}
            and visits_by_day.exited_on between asked.first_day and asked.last_day
            and (visits_by_day.completed_on is null or visits_by_day.completed_on > asked.over_on)
        group by asked.{{ in_span | join(", asked.") }}
    ),

    matched as (
        select own_visits.*, others.other_visits, others.other_advanced
        from own_visits
        inner join others on {{ equal_columns("own_visits", "others", in_span) }}
        where {{ is_enough("others.other_visits") }}
    ),

    days as (select distinct {{ stratum | join(", ") }}, exited_on from visits_by_day),

    first_over as (
        select
            asked.{{ (stratum + ["span"]) | join(", asked.") }},
            days.exited_on,
            min(asked.over_on) as over_on
        from asked
        inner join
            days
            on {{ equal_columns("asked", "days", stratum) }}
            and days.exited_on between asked.first_day and asked.last_day
        group by asked.{{ (stratum + ["span"]) | join(", asked.") }}, days.exited_on
    ),

    -- One visit of another may be set beside several people's. Beside anyone's it is where it is of
    -- who had not taken the course by the end of the first of the spans that its day is in.
    distinct_others as (
        select
            visits_by_day.course,
            visits_by_day.skill,
            first_over.span,
            cast(sum(visits_by_day.visits) as bigint) as distinct_visits
        from first_over
        inner join
            visits_by_day
            on {{ equal_columns("first_over", "visits_by_day", stratum + ["exited_on"]) }}
            and (
                visits_by_day.completed_on is null
                or visits_by_day.completed_on > first_over.over_on
            )
        group by visits_by_day.course, visits_by_day.skill, first_over.span
    ),

    by_rep as (
        select
            {{ taken | join(", ") }},
            span,
            sum(visits) as n,
            sum(advanced) as advanced,
            {{ sum_of_shares(ratio("visits * other_advanced", "other_visits")) }} as expected,
            {{
                ratio(
                    "power(sum(visits), 2)",
                    sum_of_shares(ratio("power(visits, 2)", "other_visits")),
                )
            }} as other_n
        from matched
        group by {{ taken | join(", ") }}, span
    ),

    final as (
        select
            courses.course,
            courses.skill,
            courses.rep_id,
            courses.completed_on,
            {%- for span in ["earlier", "before", "after"] %}
                coalesce({{ span }}.n, 0) as n_{{ span }},
                {{ ratio(span ~ ".advanced", span ~ ".n") }} as conversion_{{ span }},
                {{ ratio(span ~ ".expected", span ~ ".n") }} as other_conversion_{{ span }},
                {{ span }}.other_n as other_n_{{ span }},
                distinct_{{ span }}.distinct_visits as distinct_others_{{ span }},
            {%- endfor %}
            {{ is_enough("earlier.n") }}
            and earlier.advanced
            < earlier.expected
            - {{ once_in_twenty() }}
            * sqrt(
                greatest(earlier.expected * (1 - {{ ratio("earlier.expected", "earlier.n") }}), 0)
            ) as was_below,
            -- How much a difference of two shares of so many says.
            {{ ratio("before.n * after.n", "before.n + after.n") }} as weight
        from courses
        {%- for span in ["earlier", "before", "after"] %}
            left join
                by_rep as {{ span }}
                on courses.course = {{ span }}.course
                and courses.skill = {{ span }}.skill
                and courses.rep_id = {{ span }}.rep_id
                and {{ span }}.span = '{{ span }}'
            left join
                distinct_others as distinct_{{ span }}
                on courses.course = distinct_{{ span }}.course
                and courses.skill = distinct_{{ span }}.skill
                and distinct_{{ span }}.span = '{{ span }}'
        {%- endfor %}
    )

select *
from final
