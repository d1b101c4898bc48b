"""How fast is the platform? Everything is measured in one run, on servers of its own; ratios travel, absolute numbers do not."""
