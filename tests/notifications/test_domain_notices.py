"""Who is told of what: the table of notices, and case files that end the same in any order."""

from itertools import permutations
from uuid import UUID

import pytest
from contracts import catalogue
from hypothesis import given
from hypothesis import strategies as st
from notifications.domain import CLOCKS, TABLE, CaseFile, Follows, Happening, Role, Urgency, notices_for
from notifications.messages import CLOCKS as CLOCK_NAMES
from notifications.messages import TEXTS, Language, text_of

CASE, WORKER, UNIT = UUID(int=1), UUID(int=2), UUID(int=3)


def a_file(**known: object) -> CaseFile:
    return CaseFile(CASE, **{"reported_by": "dinsos", "worker": WORKER, **known})  # type: ignore[arg-type]


def recipients(event: Happening, file: CaseFile | None = None) -> set[str]:
    return {notice.recipient for notice in notices_for(event, file or a_file())}


def kind_of(event_type: str) -> str:
    return event_type.removeprefix("case.").rsplit(".", 1)[0]


def test_every_event_of_a_case_has_a_row_in_the_table() -> None:
    kinds = {kind_of(event.type) for event in catalogue.read_by("notifications", "CASES")}
    assert {kind for kind in kinds if not kind.endswith("clock_missed")} == set(TABLE)


def test_only_an_extended_hold_tells_nobody() -> None:
    assert [kind for kind, told in TABLE.items() if not told] == ["placement.extended", "placement.claimed"]


def test_every_notice_has_a_sentence_in_both_languages() -> None:
    events = [Happening(kind, pressing=True, agency="dinsos", unit=UNIT, worker=WORKER) for kind in TABLE]
    for notice in [notice for event in events for notice in notices_for(event, a_file())]:
        for language in Language:
            assert "{" not in text_of(notice.kind, language, number=1)
    assert CLOCK_NAMES.keys() == CLOCKS.keys()
    assert text_of("clock_missed", Language.ENGLISH, clock="new_clock").endswith("new_clock.")
    assert all(len(texts) == 2 and all(texts) for texts in TEXTS.values())


def test_an_ordinary_report_is_told_to_the_intake_officers_of_its_agency_alone() -> None:
    (notice,) = notices_for(Happening("intake.reported", agency="polda-ppa"), a_file())
    assert (notice.role, notice.agency, notice.urgency) == (Role.INTAKE_OFFICER, "polda-ppa", Urgency.NORMAL)


@pytest.mark.parametrize("kind", ["intake.reported", "intake.triaged", "intake.risk_changed"])
def test_high_risk_is_told_to_the_supervisor_too(kind: str) -> None:
    assert recipients(Happening(kind, pressing=True, agency="dinsos")) == {"intake_officer@dinsos", "supervisor@dinsos"}


def test_an_offer_is_told_to_the_head_of_that_shelter_only() -> None:
    (notice,) = notices_for(Happening("placement.offered", unit=UNIT), a_file())
    assert (notice.role, notice.unit) == (Role.SHELTER_HEAD, UNIT)


def test_an_alert_is_urgent_and_told_to_worker_and_supervisor() -> None:
    notices = notices_for(Happening("assessment.alert_raised", pressing=True), a_file())
    assert {(notice.role, notice.officer, notice.urgency) for notice in notices} == {
        (Role.PEKSOS, WORKER, Urgency.URGENT),
        (Role.SUPERVISOR, None, Urgency.URGENT),
    }


def test_a_notice_for_a_worker_nobody_knows_yet_is_parked_and_follows() -> None:
    notice = notices_for(Happening("assessment.plan_returned"), a_file(worker=None))[0]
    assert (notice.officer, notice.follows) == (None, Follows.WORKER)


@pytest.mark.parametrize(
    ("clock", "told"),
    [
        ("triage", {"intake_officer@case", "supervisor@case"}),
        ("waiting", {"placement_officer"}),
        ("stay_review", {"placement_officer"}),
        ("arrival", {"placement_officer"}),
        ("plan", {"peksos:case", "supervisor@case"}),
        ("service_consent", {"peksos:case", "intake_officer@case", "supervisor@case"}),
        ("unknown_case", {"intake_officer@case"}),
        ("incomplete", {"intake_officer@case"}),
        ("a_clock_of_tomorrow", {"supervisor@case"}),
    ],
)
def test_a_missed_clock_is_told_by_its_code_whoever_kept_it(clock: str, told: set[str]) -> None:
    for producer in ("intake", "placement", "assessment"):
        assert recipients(Happening(f"{producer}.clock_missed", clock=clock)) == told


@pytest.mark.parametrize(
    ("step", "risk", "told"),
    [
        (1, "medium", {"peksos:case"}),
        (2, "medium", {"peksos:case", "supervisor@case"}),
        (3, "low", {"peksos:case", "supervisor@case"}),
        (1, "high", {"peksos:case", "supervisor@case"}),
    ],
)
def test_the_worker_is_told_first_and_a_supervisor_at_the_next_step_or_at_high_risk(step: int, risk: str, told: set[str]) -> None:
    event = Happening("assessment.clock_missed", clock="service_answer", step=step)
    assert {notice.recipient for notice in notices_for(event, a_file(risk=risk))} == told


def test_a_first_step_of_a_case_that_no_worker_has_is_not_told_to_nobody() -> None:
    notices = notices_for(Happening("assessment.clock_missed", clock="initial_assessment", step=1), a_file(worker=None))
    assert "supervisor@case" in {notice.recipient for notice in notices}


def test_a_later_step_is_said_with_its_number() -> None:
    assert text_of("clock_missed", Language.ENGLISH, number=1, clock="plan") == "A deadline was missed: the plan."
    assert text_of("clock_missed", Language.ENGLISH, number=3, clock="plan") == "A deadline is still missed (step 3): the plan."


def test_a_followup_done_is_told_only_when_she_is_unsafe() -> None:
    assert recipients(Happening("assessment.followup_done")) == set()
    assert recipients(Happening("assessment.followup_done", pressing=True)) == {"supervisor@case"}


def test_an_event_that_the_table_does_not_know_is_an_error() -> None:
    with pytest.raises(KeyError):
        notices_for(Happening("intake.something"), a_file())


def test_the_reporting_agency_leads_until_a_triage_says_who() -> None:
    file = CaseFile(CASE).brought("satpol")
    assert file.agency == "satpol"
    assert file.reported("dinsos").agency == "dinsos"
    assert file.reported("dinsos").triaged(2, "dppapp", "high").agency == "dppapp"


def test_a_case_file_is_the_same_in_any_order_of_what_it_learns() -> None:
    facts = [
        lambda file: file.brought("satpol"),
        lambda file: file.reported("dinsos"),
        lambda file: file.triaged(2, "dinsos", "low"),
        lambda file: file.triaged(3, "dppapp", "high"),
        lambda file: file.assigned(1, WORKER),
        lambda file: file.end(5),
        lambda file: file.reopen(6),
        lambda file: file.led_by(4, "polda-ppa"),
    ]
    ends = set()
    for order in permutations(facts):
        file = CaseFile(CASE)
        for fact in order:
            file = fact(file)
        ends.add(file)
    assert len(ends) == 1
    (end,) = ends
    assert (end.agency, end.risk, end.ended) == ("polda-ppa", "high", False)


@given(st.sampled_from(sorted(TABLE)), st.booleans())
def test_one_event_never_addresses_a_recipient_twice(kind: str, pressing: bool) -> None:
    notices = notices_for(Happening(kind, pressing, agency="dinsos", unit=UNIT, worker=WORKER), a_file())
    assert len({notice.recipient for notice in notices}) == len(notices)
