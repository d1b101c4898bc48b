"""Every code that assessment's pages may show has words."""

import pytest
from assessment import definitions, register, views
from assessment.api import bodies
from assessment.domain import agreement, assignment, case, preparation, rehabilitation, risk, services
from assessment.domain.reassessment import Kind
from assessment.pages import moves, pages, steps
from contracts import outcomes, vocabulary
from contracts.services import ServiceCode

LISTS = {
    "what": moves.What, "state": case.State, "risk": vocabulary.Risk, "band": vocabulary.Band, "flag": vocabulary.AssessmentFlag, "kind": Kind,
    "back": views.BackReason, "skill": assignment.Skill, "danger": risk.Danger, "excuse": views.NoInstrument, "outcome": vocabulary.Outcome,
    "progress": case.Progress, "return": vocabulary.ReturnReason, "conference": agreement.Decision, "finding": agreement.Finding,
    "service": ServiceCode, "status": services.Status, "service_reason": services.Reason, "answer": bodies.Answer, "agreed": agreement.Agreed,
    "own_view": agreement.OwnView, "consenter": agreement.Consenter, "not_agreed": agreement.NotAgreed, "goal": agreement.GoalCode,
    "measure": agreement.Measure, "step": preparation.Step, "abandon": outcomes.AbandonReason, "because": outcomes.CompletedBecause,
    "why": outcomes.WhyNotFamily, "area_reason": outcomes.AreaReason, "receiver": vocabulary.Relation, "absence": outcomes.ConsentAbsence,
    "body": outcomes.BodyKind, "income": outcomes.Income, "dwelling": outcomes.Dwelling, "result": vocabulary.FollowupResult,
    "followup_state": case.FollowupState, "lost": outcomes.LostDecision, "programme": outcomes.ProgrammeKind, "stage": rehabilitation.Stage,
    "independence": outcomes.Independence, "leave": outcomes.WithdrawalReason,
    "goal_progress": agreement.GoalProgress, "role": vocabulary.OfficerRole,
}  # fmt: skip
MORE = {"finding": outcomes.Finding, "own_view": outcomes.OwnView, "consenter": outcomes.Consenter}
CLOCKS = (
    "initial",
    "comprehensive",
    "plan",
    "outcome",
    "reassessment",
    "assignment",
    "followup",
    "grace",
    "lost",
    "review",
    "stay",
    *services.CLOCKS.values(),
)
# What is asked for by a name that is put together.
TOGETHER = {
    "link": ("conclude", "assessments", "plan", "plan.record", "outcomes", "services", "enrolments", "followups"),
    "act.outcome": ("hand_over", "start", "complete", "reach"),
    "said": (*(f"outcome_{act}" for act in ("hand_over", "start", "complete", "reach")), *(f"alert_{flag}" for flag in vocabulary.AssessmentFlag)),
    "plan.state": ("proposed", "approved", "returned"),
    "done": ("approved", "returned"),
    "services.act": ("answer", "ask", "end"),
    "enrolments": ("attend", "finish", "leave"),
    "field": tuple(name for asked in steps.ASKED.values() for name, _, _ in asked),
    "hint": tuple(steps.HINTED),
    "respondent": definitions.Respondent,
    "worker": tuple(views.WorkerBody.model_fields),
    "version": register.Stage,
    "version.wording": definitions.Language,
    "supervision": ("decisions", "workers", "reviews", "late", "elsewhere"),
    "supervision.count": ("decisions", "workers", "reviews", "late"),
    "offer": ("name", "places"),
    "weekday": tuple("0123456"),
}
GROUNDS = ("high_risk", "perpetrator_area", "perpetrator_relation", "safety_not_known", "child_disagrees")


@pytest.mark.parametrize(
    ("words", "codes"), [*LISTS.items(), *MORE.items(), *TOGETHER.items(), ("clock", CLOCKS), ("ground", GROUNDS), ("code", GROUNDS)]
)
def test_every_code_has_words(words: str, codes: list[str]) -> None:
    assert {f"{words}.{code}" for code in codes} <= pages.words.keys()
