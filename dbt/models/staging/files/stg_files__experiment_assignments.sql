{{ contract_records("files", "experiment_assignments") }}
