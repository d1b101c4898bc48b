"""What people and systems ask of intake: report, follow, work the desk, see a case and move it, tell persons apart, and share what may be shared."""

from intake.api import cases, casework, consents, desk, disclosures, persons, reports, restrictions

routers = [
    reports.router,
    desk.router,
    cases.router,
    casework.router,
    persons.router,
    consents.router,
    disclosures.router,
    restrictions.router,
]
