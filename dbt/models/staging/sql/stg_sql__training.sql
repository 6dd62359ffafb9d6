{{ contract_records("sql", "training") }}
