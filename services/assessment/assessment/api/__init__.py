"""What people ask of assessment: workers, cases, their plans and services, answers to instruments, and the instruments themselves."""

from assessment.api import answers, cases, instruments, plans, services, workers

routers = [workers.router, cases.router, plans.router, services.router, answers.router, instruments.router]
