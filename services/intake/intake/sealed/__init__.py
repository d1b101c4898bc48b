"""Messages that agencies seal to intake: its keys, how they are opened, and what is kept of those that cannot be."""
