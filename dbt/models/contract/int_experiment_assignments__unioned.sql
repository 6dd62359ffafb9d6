{{ unioned("experiment_assignments") }}
