"""What people ask of assessment: cases and their plans, answers to instruments, and the instruments themselves."""

from assessment.api import answers, cases, instruments

routers = [cases.router, answers.router, instruments.router]
