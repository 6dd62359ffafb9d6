-- Its population is that of the win rate: closed deals.
select * from {{ ref("int_win_rate__members") }} where variant = 'default'
