"""How facts move: the relay out, consumption in, reconcile to make good what a stream lost."""
