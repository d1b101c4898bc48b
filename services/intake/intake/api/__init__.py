"""What people and systems ask of intake: report, follow, work the desk, see a case and move it, tell persons apart, and have their rights."""

from intake.api import cases, casework, desk, glass, persons, reports, rights

routers = [reports.router, desk.router, cases.router, casework.router, persons.router, rights.router, glass.router]
