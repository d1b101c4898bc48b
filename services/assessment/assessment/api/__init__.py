"""What people ask of assessment: workers, cases and their plans, answers to instruments, and the instruments themselves."""

from assessment.api import answers, cases, instruments, workers

routers = [workers.router, cases.router, answers.router, instruments.router]
