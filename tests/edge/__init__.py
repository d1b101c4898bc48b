"""An office at the edge: its leaf node, its agent, and a link that is cut."""
