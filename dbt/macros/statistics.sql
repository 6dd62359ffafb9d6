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

{#-
    A product whose sum is the same in whatever order the rows come: sums of doubles differ in the
    last digit, so that an increment would differ from a whole build.
-#}
{% macro summable(one, other) -%}
    cast(
        cast({{ one }} as {{ double_type() }})
        * cast({{ other }} as {{ double_type() }}) as numeric(38, 6)
    )
{%- endmacro %}

{#- The sum of shares, means and the like, to twelve decimals, in whatever order the rows come. -#}
{% macro sum_of_shares(value) -%}
    cast(sum(cast({{ value }} as numeric(38, 12))) as {{ double_type() }})
{%- endmacro %}

{#- A measure of scatter to seven digits: those in which the order of rows does not show. -#}
{% macro to_seven_digits(value) -%}
    cast(cast({{ value }} as real) as {{ double_type() }})
{%- endmacro %}

{#- What `quotient_error` rests on, of a group of records: sums of products, and of denominators. -#}
{% macro quotient_sums(numerator="numerator", denominator="denominator") -%}
    cast(sum({{ summable(numerator, numerator) }}) as {{ double_type() }}) as sum_nn,
    cast(sum({{ summable(numerator, denominator) }}) as {{ double_type() }}) as sum_nd,
    cast(sum({{ summable(denominator, denominator) }}) as {{ double_type() }}) as sum_dd,
    cast(sum({{ denominator }}) as {{ double_type() }}) as sum_d
{%- endmacro %}

{#-
    The standard error of a quotient of sums over the records of a sample, by its residuals: of a mean
    the usual one. The sums are of numerator × numerator, numerator × denominator, denominator ×
    denominator, and the denominators. W. G. Cochran, Sampling Techniques (1977), 2.11. NULL where
    there are fewer than two records.
-#}
{% macro quotient_error(quotient, n, sum_nn, sum_nd, sum_dd, sum_d) -%}
    (
        sqrt(
            greatest(
                {{ sum_nn }}
                - 2 * {{ quotient }} * {{ sum_nd }}
                + {{ quotient }} * {{ quotient }} * {{ sum_dd }},
                0
            )
            * {{ n }}
            / nullif({{ n }} - 1, 0)
        )
        / nullif({{ sum_d }}, 0)
    )
{%- endmacro %}

{#- Whether a sample says what is usual: of fewer than ten values, one decides too much. -#}
{% macro is_enough(values) -%}({{ values }} >= 10) {%- endmacro %}

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
    The natural logarithm of n! of a whole number, by Stirling's series at n + 8, from which it is
    brought back: right to ten digits from 0 on. J. Stirling, Methodus Differentialis (1730).
-#}
{% macro ln_factorial(n) -%}
    {%- set n = "cast(" ~ n ~ " as " ~ double_type() ~ ")" -%}
    (
        ({{ n }} + 7.5) * ln({{ n }} + 8)
        - ({{ n }} + 8)
        + 0.918938533204673
        + 1 / (12 * ({{ n }} + 8))
        - 1 / (360 * power({{ n }} + 8, 3))
        + 1 / (1260 * power({{ n }} + 8, 5))
        - ln(
            ({{ n }} + 1)
            * ({{ n }} + 2)
            * ({{ n }} + 3)
            * ({{ n }} + 4)
            * ({{ n }} + 5)
            * ({{ n }} + 6)
            * ({{ n }} + 7)
        )
    )
{%- endmacro %}

{#- e to a power; PostgreSQL has no numbers for what is next to nothing. -#}
{% macro exponential(power) -%} exp(greatest({{ power }}, -700)) {%- endmacro %}

{#-
    The chance that of n records drawn from N, of which K are successes, exactly k are: a term of
    Fisher's exact test. R. A. Fisher, Statistical Methods for Research Workers (1934), 21.02.
-#}
{% macro hypergeometric(k, drawn, successes, records) -%}
    {%- set power -%}
        {{ ln_factorial(successes) }}
        - {{ ln_factorial(k) }}
        - {{ ln_factorial(successes ~ " - " ~ k) }}
        + {{ ln_factorial(records ~ " - " ~ successes) }}
        - {{ ln_factorial(drawn ~ " - " ~ k) }}
        - {{ ln_factorial(records ~ " - " ~ successes ~ " - " ~ drawn ~ " + " ~ k) }}
        + {{ ln_factorial(drawn) }}
        + {{ ln_factorial(records ~ " - " ~ drawn) }}
        - {{ ln_factorial(records) }}
    {%- endset -%}
    {{ exponential(power) }}
{%- endmacro %}

{#-
    The chance that a normal deviate is beyond z: half of erfc(z / sqrt 2), by Chebyshev's fit of
    Numerical Recipes (W. H. Press and others, 1992, 6.2), right to a ten-millionth of itself.
-#}
{% macro normal_tail(z) -%}
    {%- set x = "(abs(" ~ z ~ ") / sqrt(cast(2 as " ~ double_type() ~ ")))" -%}
    {%- set t = "(1 / (1 + 0.5 * " ~ x ~ "))" -%}
    {%- set fit = [
        0.17087277,
        -0.82215223,
        1.48851587,
        -1.13520398,
        0.27886807,
        -0.18628806,
        0.09678418,
        0.37409196,
        1.00002368,
    ] -%}
    {%- set series = namespace(sql=fit[0] | string) -%}
    {%- for factor in fit[1:] -%}
        {%- set series.sql = "(" ~ factor ~ " + " ~ t ~ " * " ~ series.sql ~ ")" -%}
    {%- endfor -%}
    {%- set power = "-power(" ~ x ~ ", 2) - 1.26551223 + " ~ t ~ " * " ~ series.sql -%}
    {%- set tail = "0.5 * " ~ t ~ " * " ~ exponential(power) -%}
    case when {{ z }} >= 0 then {{ tail }} else 1 - {{ tail }} end
{%- endmacro %}

{#-
    The square of how far the bound of a share's Wilson interval, `low` or `high`, is from it. The
    bound of a sum or a difference of shares is as far from it as the root of the sum of the squares
    of theirs. R. G. Newcombe, Statistics in Medicine 17 (1998), method 10; for more than two shares
    G. Y. Zou and A. Donner, Statistics in Medicine 27 (2008).
-#}
{% macro squared_margin(share, records, side) -%}
    {%- set successes = "(" ~ share ~ " * " ~ records ~ ")" -%}
    {%- set bound = (
        wilson_low(successes, records)
        if side == "low"
        else wilson_high(successes, records)
    ) -%}
    power({{ bound }} - {{ share }}, 2)
{%- endmacro %}

{#-
    The chance, two-sided, of an effect so far from none, by the margin of its interval (95%) on the
    side of none: below 5% where the interval leaves it out.
-#}
{% macro p_value_of_interval(effect, low, high) -%}
    {%- set z = (
        "(case when "
        ~ effect
        ~ " > 0 then 1.959964 * "
        ~ effect
        ~ " / nullif("
        ~ effect
        ~ " - "
        ~ low
        ~ ", 0) else -1.959964 * "
        ~ effect
        ~ " / nullif("
        ~ high
        ~ " - "
        ~ effect
        ~ ", 0) end)"
    ) -%}
    2 * ({{ normal_tail(z) }})
{%- endmacro %}

{#-
    By how many standard deviations the ranks of some records are above those of all of which they are
    a part: Wilcoxon's test again, from the sum of their ranks (ties share the middle one). `ties` is
    the sum over all records of t squared - 1, where t records have the same value.
-#}
{% macro rank_z(rank_sum, n, records, ties) -%}
    {%- set half = "cast(0.5 as " ~ double_type() ~ ")" -%}
    ({{ rank_sum }} - {{ half }} * {{ n }} * ({{ records }} + 1))
    / nullif(sqrt(greatest({{ rank_variance(n, records, ties) }}, 0)), 0)
{%- endmacro %}

{% macro rank_variance(n, records, ties) -%}
    cast({{ n }} as {{ double_type() }})
    * ({{ records }} - {{ n }})
    / 12
    * ({{ records }} + 1 - {{ ratio(ties, "(" ~ records ~ " * (" ~ records ~ " - 1))") }})
{%- endmacro %}

{#-
    Holm's correction of the chances of a family of tests: at most one family in twenty with a chance
    below 5% is one in which there was nothing to find. S. Holm, Scandinavian Journal of Statistics 6
    (1979). Two steps, as one window cannot look into another: the chance times the tests that are
    left when it is its turn, then the greatest so far. `in_order` is the family, most telling first.
-#}
{% macro times_tests_left(p_value, in_order, family="") -%}
    {{ p_value }} * (
        count({{ p_value }}) over ({{ family }})
        - row_number() over ({{ family }} order by {{ in_order }})
        + 1
    )
{%- endmacro %}

{% macro greatest_so_far(times_left, in_order, family="") -%}
    least(
        max({{ times_left }}) over (
            {{ family }} order by {{ in_order }} rows between unbounded preceding and current row
        ),
        1
    )
{%- endmacro %}

{#- The chance of a false alarm in a family of tests that is put up with. -#}
{% macro alarm_level() -%} 0.05 {%- endmacro %}

{#- The normal deviate that chance passes once in twenty: for cautions, of which one too many is cheap. -#}
{% macro once_in_twenty() -%} 1.644854 {%- endmacro %}

{#-
    Student's t that is exceeded once in forty, of so many degrees of freedom: of up to eight as it is,
    of more by the first terms of its expansion about the normal deviate, right to a ten-thousandth. M.
    Abramowitz, I. A. Stegun, Handbook of Mathematical Functions (1964), 26.7.5.
-#}
{% macro t_once_in_forty(degrees) -%}
    {%- set n = "cast(" ~ degrees ~ " as " ~ double_type() ~ ")" -%}
    case
        {{ degrees }}
        when 1
        then 12.706204736175
        when 2
        then 4.302652729749
        when 3
        then 3.182446305284
        when 4
        then 2.776445105198
        when 5
        then 2.570581835636
        when 6
        then 2.446911851145
        when 7
        then 2.364624251593
        when 8
        then 2.306004135204
        else
            1.9599640
            + 2.3722712 / nullif({{ n }}, 0)
            + 2.8224985 / nullif({{ n }} * {{ n }}, 0)
            + 2.5558497 / nullif(power({{ n }}, 3), 0)
            + 1.5895339 / nullif(power({{ n }}, 4), 0)
    end
{%- endmacro %}
