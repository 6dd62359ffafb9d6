"""What a company adds of its own: columns of entities, KPIs, marts and rules of the audit."""
