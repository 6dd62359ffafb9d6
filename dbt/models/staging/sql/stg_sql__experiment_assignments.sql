{{ contract_records("sql", "experiment_assignments") }}
