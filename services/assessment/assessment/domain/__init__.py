"""Pure rules of assessment: one module per topic. No clock, no database, no bus.

`case` holds what is known of a case and what follows from it, `assignment` who gets it, `instruments` what answers add up to,
`plan` the way from a proposed plan to each person's outcome, `followups` the visits after it.
"""
