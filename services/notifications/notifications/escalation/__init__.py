"""Escalation as data: which policy holds for which offer, and who is on call."""
