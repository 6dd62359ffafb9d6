-- One row per customer: the account that it is, by the first rule that finds exactly one, and where
-- the rules contradict each other or the data. A customer's account is in its own source, or, where
-- that has no accounts, in any other; a domain is the same everywhere. Deleted accounts are
-- nobody's; a customer that was deleted stays who it was, for what it was billed and paid.
with
    customers as (
        select
            customer_key,
            source_instance,
            account_id,
            {{ domain_of("domain") }} as domain,
            case when email like '%@%' then {{ domain_of("email") }} end as email_domain
        from {{ ref("int_customers__unioned") }}
    ),

    accounts as (
        select
            account_key,
            source_instance,
            source_id as account_id,
            {{ domain_of("domain") }} as domain,
            is_deleted
        from {{ ref("int_accounts__unioned") }}
    ),

    by_id as (
        select customers.customer_key, accounts.account_key, accounts.is_deleted
        from customers
        inner join accounts on customers.account_id = accounts.account_id
        where
            customers.source_instance = accounts.source_instance
            or customers.source_instance not in (select source_instance from accounts)
    ),

    candidates as (
        select customer_key, account_key, 'account_id' as rule
        from by_id
        where not is_deleted

        {%- for rule, domain in [("domain", "domain"), ("email_domain", "email_domain")] %}
            union all

            select customers.customer_key, accounts.account_key, '{{ rule }}' as rule
            from customers
            inner join accounts on customers.{{ domain }} = accounts.domain
            where not accounts.is_deleted and accounts.domain not in {{ free_mail_domains() }}
        {%- endfor %}
    ),

    {%- for rule in ["account_id", "domain", "email_domain"] %}
        by_{{ rule }} as (
            select customer_key, min(account_key) as account_key, count(*) as n_accounts
            from candidates
            where rule = '{{ rule }}'
            group by customer_key
        ),
    {%- endfor %}

    judged as (
        select
            customers.customer_key,
            customers.account_id is not null as has_account_id,
            customers.customer_key in (select customer_key from by_id) as is_id_known,
            {%- for rule in ["account_id", "domain", "email_domain"] %}
                case
                    when by_{{ rule }}.n_accounts = 1 then by_{{ rule }}.account_key
                end as {{ rule }}_key,
                coalesce(by_{{ rule }}.n_accounts > 1, false) as is_{{ rule }}_ambiguous
                {{- ',' if not loop.last }}
            {%- endfor %}
        from customers
        left join by_account_id on customers.customer_key = by_account_id.customer_key
        left join by_domain on customers.customer_key = by_domain.customer_key
        left join by_email_domain on customers.customer_key = by_email_domain.customer_key
    ),

    ruled as (
        select
            *,
            case
                when account_id_key is not null
                then 'account_id'
                when domain_key is not null
                then 'domain'
                when email_domain_key is not null
                then 'email_domain'
            end as rule
        from judged
    )

select
    customer_key,
    coalesce(account_id_key, domain_key, email_domain_key) as account_key,
    rule,
    case
        rule when 'account_id' then 1.0 when 'domain' then 0.8 when 'email_domain' then 0.5
    end as confidence,
    is_account_id_ambiguous
    or (rule is distinct from 'account_id' and is_domain_ambiguous)
    or (rule is null and is_email_domain_ambiguous) as is_ambiguous,
    case
        when is_account_id_ambiguous
        then 'ambiguous_account_id'
        when has_account_id and not is_id_known
        then 'unknown_account'
        when has_account_id and account_id_key is null
        then 'deleted_account'
        when rule = 'account_id' and domain_key <> account_id_key
        then 'domain_of_another_account'
        when rule is distinct from 'account_id' and is_domain_ambiguous
        then 'ambiguous_domain'
        when rule is null and is_email_domain_ambiguous
        then 'ambiguous_email_domain'
    end as conflict
from ruled
