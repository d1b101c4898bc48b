"""An office at the edge: a NATS leaf node with a queue for an agency's own site, which takes sealed messages while the link is down and hands them over after."""
