"""The same person twice: what persons are compared by, how alike two are, and the clocks that look for pairs (docs/decisions/0012)."""
