{{ differing_cells("kpi_members", kpi_cell(month_start("period_on"))) }}
-- The cells of kpi_members of which a row is another than at the last build: in an increment those
-- that were written, where kpi_members is built whole all that there are.
select distinct
    {%- for name, column in kpi_cell(month_start("period_on")).items() %}
        {{ column }} as {{ name }} {{- "," if not loop.last }}
    {%- endfor %}
from {{ ref("kpi_members") }}
