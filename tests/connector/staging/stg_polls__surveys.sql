with
    answers as ({{ latest_versions("polls", "answers") }}),

    final as (
        select
            {{ staged_record_columns("polls", "surveys", "answers") }},
            {{ no_extra_of("surveys") }}
            cast(null as {{ dbt.type_string() }}) as account_id,
            answers.deal as opportunity_id,
            answers.answered_at as occurred_at,
            answers.kind as type,
            answers.score,
            answers.words as comment
        from answers
    )

select *
from final
