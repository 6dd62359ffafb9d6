-- Whether any deal has a probability of its own.
select count(deal_probability) > 0 as are_given from {{ ref("fct_opportunities") }}
