-- Opening and movements make the closing, to the cent, in every row.
select *
from {{ ref("fct_pipeline_bridge") }}
where
    abs(
        opening
        {%- for movement in pipeline_additions() + ["currency"] %} + {{ movement }}{% endfor %}
        {%- for movement in pipeline_subtractions() %} - {{ movement }}{% endfor %} - closing
    )
    >= 0.005
