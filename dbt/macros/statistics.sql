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
    Half the width of the interval (95%) of a median, from the quartiles: 1.57 × IQR / √n, the notch
    of a box plot. R. McGill, J. W. Tukey, W. A. Larsen, The American Statistician 32 (1978). NULL
    where the sample is too small.
-#}
{% macro median_margin(lower_quartile, upper_quartile, values) -%}
    case
        when {{ is_enough(values) }}
        then
            1.57
            * ({{ upper_quartile }} - {{ lower_quartile }})
            / sqrt(cast({{ values }} as {{ double_type() }}))
    end
{%- endmacro %}
