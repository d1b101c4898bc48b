"""What people and systems ask of intake: report, follow, work the desk, see a case and move it, and tell persons apart."""

from intake.api import cases, casework, desk, imports, outreach, persons, public, reports

routers = [reports.router, desk.router, cases.router, casework.router, outreach.router, persons.router, public.router, imports.router]
