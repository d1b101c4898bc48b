"""What people and systems ask of intake: report, follow, work the desk, see a case and move it, tell persons apart, and share what may be shared."""

from intake.api import (
    cases,
    casework,
    closing,
    consents,
    desk,
    disclosures,
    handover,
    incidents,
    legal,
    persons,
    record,
    reports,
    restrictions,
    suspects,
)

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
    consents.router,
    disclosures.router,
    restrictions.router,
]
