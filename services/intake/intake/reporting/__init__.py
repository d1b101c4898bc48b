"""What intake reports outward: SIMFONI's monthly tables, its records by name where that was consented to, and its numbers of cases."""
