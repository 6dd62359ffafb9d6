{{ differing_cells("kpi_members", kpi_cell(month_start("period_on"))) }}
-- The cells of kpi_members of which a row is another than at the last build. In an increment they
-- are
-- those that were written; where kpi_members is built whole, they are all that there are.
select distinct
    {%- for name, column in kpi_cell(month_start("period_on")).items() %}
        {{ column }} as {{ name }} {{- "," if not loop.last }}
    {%- endfor %}
from {{ ref("kpi_members") }}
