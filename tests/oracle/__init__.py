"""An independent computation of the KPI dictionary in pandas, from a company's raw exports."""
