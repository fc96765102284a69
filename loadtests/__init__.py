"""Named load scenarios with stated budgets, the comparison benchmark, and the servers that both need."""
