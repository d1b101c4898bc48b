"""What people and systems ask of intake: report, follow, work the desk, see a case and move it, tell persons apart, share what may be shared, and have their rights."""

from intake.api import (
    cases,
    casework,
    closing,
    consents,
    desk,
    disclosures,
    glass,
    handover,
    incidents,
    legal,
    persons,
    record,
    reports,
    restrictions,
    rights,
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
    rights.router,
    glass.router,
]
