"""What people ask of assessment: workers, cases and their plans, answers to instruments, and the instruments themselves."""

from assessment.api import answers, cases, followups, instruments, outcomes, programmes, workers

routers = [workers.router, cases.router, outcomes.router, programmes.router, followups.router, answers.router, instruments.router]
