-- One row per merge and rule of merges, and per id of a user or an account that two sources know:
-- whether something is wrong with it, the money that hangs on it, and how to name it.
--
-- The same id means the same person in all sources: where two give it different names, one of them
-- means somebody else. Names that differ only in how they are written are the same.
with
    deals as (
        select
            opportunity_key,
            account_id,
            rep_id,
            removal,
            case when status in ('open', 'won') then amount else 0 end as money
        from {{ ref("fct_opportunities") }}
    ),

    -- Of a circle, the money of the deal that counts hangs on it; of a merge into a deleted deal,
    -- the money that counts no more.
    merges as (
        select
            merges.source_instance,
            merges.problem,
            '''' || merges.source_id || ''' into ''' || merges.merged_into_id || '''' as sample,
            case
                when merges.problem = 'circle' and deals.removal is not null then 0 else deals.money
            end as money
        from {{ ref("int_opportunity_merges") }} as merges
        inner join deals on merges.opportunity_key = deals.opportunity_key
    ),

    -- An address or the id itself, given for want of a name, is none.
    named as (
        select target, target_id, source_instance, name
        from {{ ref("int_reference_targets") }}
        where
            target in ('users', 'accounts')
            and not is_deleted
            and name <> target_id
            and name not like '%@%'
    ),

    shared as (
        select target, target_id
        from named
        group by target, target_id
        having min(source_instance) <> max(source_instance)
    ),

    known_twice as (
        select
            named.target,
            named.target_id,
            count(distinct {{ loosely("named.name") }}) > 1 as is_found,
            case
                when named.target_id like '%@%' then '(email)' else '''' || named.target_id || ''''
            end
            || ': '
            || string_agg(
                case
                    when {{ is_withheld_name("named.target") }}
                    then '(name)'
                    else '''' || named.name || ''''
                end
                || ' in '
                || named.source_instance,
                ', '
                order by named.source_instance
            ) as sample
        from named
        inner join shared on named.target = shared.target and named.target_id = shared.target_id
        group by named.target, named.target_id
    ),

    money_of as (
        {%- for target, column in [("users", "rep_id"), ("accounts", "account_id")] %}
            select '{{ target }}' as target, {{ column }} as target_id, sum(money) as money
            from deals
            where removal is null
            group by {{ column }} {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    judged as (
        {%- for rule, problem in [
            ("merged_in_circle", "circle"),
            ("merged_into_deleted", "deleted"),
        ] %}
            select
                source_instance,
                'opportunities' as entity,
                'merged_into_id' as column_name,
                'opportunities' as target,
                '{{ rule }}' as rule,
                coalesce(problem = '{{ problem }}', false) as is_found,
                money,
                sample
            from merges

            union all
        {% endfor %}
        select
            'all' as source_instance,
            known_twice.target as entity,
            'name' as column_name,
            known_twice.target,
            'name_differs' as rule,
            known_twice.is_found,
            coalesce(money_of.money, 0) as money,
            known_twice.sample
        from known_twice
        left join
            money_of
            on known_twice.target = money_of.target
            and known_twice.target_id = money_of.target_id
    ),

    final as (
        select
            *,
            row_number() over (
                partition by source_instance, entity, rule, is_found
                order by coalesce(money, 0) desc, sample
            ) as position
        from judged
    )

select *
from final
