"""What crosses the wire between the services, and between the platform and the agencies.

One file per producing service (`intake`, `placement`, `assessment`, `notifications`), `agencies` for what agencies say and hear,
`vocabulary` for the closed code lists, `streams` for where everything travels. Fields may be added as optional; anything else is a
new major version of the event.
"""
