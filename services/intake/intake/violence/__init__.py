"""What was done, by whom, whom she must not meet because of it, and what the law sets in motion."""
