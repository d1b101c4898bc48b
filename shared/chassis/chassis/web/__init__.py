"""How a service answers people and systems: identity, routes, problems, health."""
