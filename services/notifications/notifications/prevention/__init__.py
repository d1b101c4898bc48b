"""Prevention: sessions that are announced to who asked to hear of them, how many came, and where prevention is needed most."""
