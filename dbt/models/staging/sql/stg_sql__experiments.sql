{{ contract_records("sql", "experiments") }}
