"""What people and systems ask of intake: report, follow, work the desk, see a case and move it, and tell persons apart."""

from intake.api import cases, casework, closing, desk, handover, incidents, legal, persons, record, reports, suspects

routers = [
    reports.router,
    desk.router,
    cases.router,
    casework.router,
    closing.router,
    handover.router,
    incidents.router,
    legal.router,
    suspects.router,
    record.router,
    persons.router,
]
