{#-
    The bounds of the Wilson score interval (95%) of a share: it holds for small samples and for
    shares near 0 and 1, too. E. B. Wilson, Journal of the American Statistical Association 22
    (1927). NULL where there is no sample.
-#}
{% macro wilson_low(successes, trials) -%}
    greatest({{ wilson_bound(successes, trials, "-") }}, case when {{ trials }} > 0 then 0 end)
{%- endmacro %}

{% macro wilson_high(successes, trials) -%}
    least({{ wilson_bound(successes, trials, "+") }}, case when {{ trials }} > 0 then 1 end)
{%- endmacro %}

{% macro wilson_bound(successes, trials, sign) -%}
    {%- set z = 1.959964 -%}
    {%- set n = "nullif(cast(" ~ trials ~ " as " ~ double_type() ~ "), 0)" -%}
    {%- set p = "(" ~ successes ~ " / " ~ n ~ ")" -%}
    (
        (
            {{ p }}
            + {{ z * z / 2 }}
            / {{ n }} {{ sign }} {{ z }}
            * sqrt(
                greatest({{ p }} * (1 - {{ p }}), 0) / {{ n }}
                + {{ z * z / 4 }} / ({{ n }} * {{ n }})
            )
        )
        / (1 + {{ z * z }} / {{ n }})
    )
{%- endmacro %}

{#- Whether a sample says what is usual: of fewer than ten values, one decides too much. -#}
{% macro is_enough(values) -%}({{ values }} >= 10) {%- endmacro %}

{#-
    The level at which a sign of a bottleneck is beyond chance, as the normal deviate of a one-sided
    test: 1%. A row is judged by three signs, and all of them together are to raise at most 5% false
    alarms (C. E. Bonferroni), also where deals come in by seasons and the tests' approximations err.
-#}
{% macro beyond_chance() -%} 2.326348 {%- endmacro %}

{#-
    The rank of the lower bound of a median's interval (95%) among so many values in order; that of
    the upper bound is as far from the end. It holds whatever the distribution, and at every number
    of values at least as the exact binomial ranks do: H. A. David, H. N. Nagaraja, Order Statistics
    (2003), 7.1. Of fewer than six values there is none.
-#}
{% macro median_low_rank(values) -%}
    floor(
        (
            cast({{ values }} as {{ double_type() }})
            + 1
            - 1.959964 * sqrt(cast({{ values }} as {{ double_type() }}))
        )
        / 2
    )
{%- endmacro %}

{#-
    By how many standard deviations the values of a sample rank above those of another: Wilcoxon's
    rank-sum test (Mann and Whitney's U), with the correction for ties and for continuity; W. J.
    Conover, Practical Nonparametric Statistics (1999), 5.1. An aggregate over distinct values: how
    often each is in either sample, and how many values of both are up to it. NULL where a sample is
    empty or all values are the same.
-#}
{% macro rank_sum_z(in_first, in_second, up_to) -%}
    {%- set n = "cast(sum(" ~ in_first ~ ") as " ~ double_type() ~ ")" -%}
    {%- set m = "cast(sum(" ~ in_second ~ ") as " ~ double_type() ~ ")" -%}
    {%- set tied = "cast(" ~ in_first ~ " + " ~ in_second ~ " as " ~ double_type() ~ ")" -%}
    {%- set ties = "sum(power(" ~ tied ~ ", 3) - " ~ tied ~ ")" -%}
    (
        sum({{ in_first }} * ({{ up_to }} - ({{ tied }} - 1) / 2))
        - {{ n }} * ({{ n }} + {{ m }} + 1) / 2
        - 0.5
    ) / nullif(
        sqrt(
            greatest(
                {{ n }}
                * {{ m }}
                / 12
                * (
                    {{ n }}
                    + {{ m }}
                    + 1
                    - {{ ties }} / nullif(({{ n }} + {{ m }}) * ({{ n }} + {{ m }} - 1), 0)
                ),
                0
            )
        ),
        0
    )
{%- endmacro %}

{#-
    By how many standard deviations the share of a sample is above that of another: the test of two
    proportions with the pooled share and Yates' correction for continuity (F. Yates, Supplement to
    the Journal of the Royal Statistical Society 1, 1934), without which small samples of rare
    events raise five times the false alarms. NULL where a sample is empty or all are alike.
-#}
{% macro share_z(successes, trials, other_successes, other_trials) -%}
    {%- set n = "nullif(cast(" ~ trials ~ " as " ~ double_type() ~ "), 0)" -%}
    {%- set m = "nullif(cast(" ~ other_trials ~ " as " ~ double_type() ~ "), 0)" -%}
    {%- set pooled = "((" ~ successes ~ " + " ~ other_successes ~ ") / (" ~ n ~ " + " ~ m ~ "))" -%}
    ({{ successes }} / {{ n }} - {{ other_successes }} / {{ m }} - (1 / {{ n }} + 1 / {{ m }}) / 2)
    / nullif(sqrt(greatest({{ pooled }} * (1 - {{ pooled }}), 0) * (1 / {{ n }} + 1 / {{ m }})), 0)
{%- endmacro %}

{#-
    Student's t that is exceeded once in forty, of so many degrees of freedom: the first terms of
    its expansion about the normal deviate, from nine degrees on right to a ten-thousandth. M.
    Abramowitz, I. A. Stegun, Handbook of Mathematical Functions (1964), 26.7.5.
-#}
{% macro t_once_in_forty(degrees) -%}
    {%- set n = "cast(" ~ degrees ~ " as " ~ double_type() ~ ")" -%}
    (
        1.9599640
        + 2.3722712 / nullif({{ n }}, 0)
        + 2.8224985 / nullif({{ n }} * {{ n }}, 0)
        + 2.5558497 / nullif(power({{ n }}, 3), 0)
        + 1.5895339 / nullif(power({{ n }}, 4), 0)
    )
{%- endmacro %}
