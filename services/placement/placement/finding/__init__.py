"""From a need to a bed: matching, the waiting list and its solver, offers and their answers."""
