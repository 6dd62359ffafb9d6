{{ unioned('experiment_assignments') }}
