"""The placement service: which home a household is offered, who sleeps in which bed, and who waits for one."""
