"""What people ask of assessment: workers, cases, their plans and services, answers to instruments, and the instruments themselves."""

from assessment.api import answers, cases, followups, instruments, outcomes, plans, programmes, services, workers

routers = [
    workers.router,
    cases.router,
    plans.router,
    services.router,
    outcomes.router,
    programmes.router,
    followups.router,
    answers.router,
    instruments.router,
]
