from uuid import UUID

import pytest
from assessment.domain import services
from assessment.domain.case import FieldError, StateError
from assessment.domain.services import ENDS, OVER, Answer, Reason, Service, Status, Wanted, Word
from contracts.services import ServiceAnswer, ServiceReason
from hypothesis import given
from hypothesis import strategies as st

from tests.assessment.builders import CHILD, LIMITS, MOTHER, NOW, a_planned_case

ID = UUID(int=0xE1)
WAITS = {Status.REQUESTED, Status.WAITS_FOR_CONSENT, Status.ASKED}


def a_service(status: Status = Status.REQUESTED, **changes: object) -> Service:
    return services.replace(Service(ID, MOTHER, "psikologis", "dppapp", status), **changes)


def test_the_domain_knows_the_contracts_codes():
    assert {code.value for code in Answer} == {code.value for code in ServiceAnswer}
    assert {code.value for code in Reason} == {code.value for code in ServiceReason}


ANSWERS = st.sampled_from([("accepted", None), ("declined", "provider_full"), ("declined", "not_competent"), ("delivered", None)])
SAID = st.lists(st.one_of(st.booleans(), ANSWERS), min_size=1, max_size=7)


@st.composite
def words(draw: st.DrawFn) -> tuple[list[Word], list[list[Word]]]:
    """What intake said in its order, and how it arrives: permuted, some of it twice, in batches."""
    told = [Word(n, passed_on=said) if isinstance(said, bool) else Word(n, None, *said) for n, said in enumerate(draw(SAID), 1)]
    arriving = draw(st.permutations([*told, *draw(st.lists(st.sampled_from(told), max_size=3))]))
    cuts = sorted(draw(st.sets(st.integers(1, len(arriving)), max_size=4)))
    return told, [arriving[a:b] for a, b in zip([0, *cuts], [*cuts, len(arriving)], strict=True)]


@given(words())
def test_any_order_repetition_and_batching_of_intakes_words_ends_the_same(said: tuple[list[Word], list[list[Word]]]):
    told, batches = said
    service = a_service()
    for batch in batches:
        service = services.heard(service, batch)
    assert service == services.heard(a_service(), told)


@given(words(), st.sampled_from(Status))
def test_what_ended_stays_ended_and_what_waits_for_somebody_has_a_clock(said: tuple[list[Word], list[list[Word]]], status: Status):
    before = a_service(status, reason="not_applicable" if status is Status.ENDED else None)
    after = services.heard(before, said[0])
    if status in OVER:
        assert (after.status, after.reason) == (before.status, before.reason)
    case = services.timed(a_planned_case({MOTHER: "services_at_home"}), {ID: before}, [after], NOW, LIMITS)
    clocks = [clock for clock in case.deadlines if clock.endswith(str(ID))]
    assert len(clocks) == (0 if after.status in OVER else 1)


def test_a_decline_says_why_and_nothing_else_does():
    with pytest.raises(FieldError, match="reason: missing"):
        services.answered(a_service(Status.ASKED), "declined")
    with pytest.raises(FieldError, match="reason: only_with_declined"):
        services.answered(a_service(Status.ASKED), "accepted", "provider_full")


@pytest.mark.parametrize("status", [*(WAITS - {Status.ASKED}), *OVER])
def test_nobody_answers_what_the_provider_was_not_told_of_or_what_is_over(status: Status):
    with pytest.raises(StateError, match=status.value):
        services.answered_by_people(a_service(status), "accepted", None)


def test_the_worker_ends_a_request_for_a_reason_of_hers():
    for reason in Reason:
        if reason in ENDS:
            assert services.ended(a_service(Status.DECLINED), reason).status is Status.ENDED
        else:
            with pytest.raises(FieldError, match="not_yours_to_give"):
                services.ended(a_service(Status.DECLINED), reason)
    with pytest.raises(StateError):
        services.ended(a_service(Status.DELIVERED), Reason.NOT_APPLICABLE)


WANTED = st.builds(Wanted, st.sampled_from([MOTHER, CHILD]), st.sampled_from(["psikologis", "pendidikan"]), st.sampled_from(["dppapp", "dinsos"]))


@given(st.lists(st.lists(WANTED, max_size=6), min_size=1, max_size=6), st.data())
def test_over_any_versions_of_a_plan_nothing_is_asked_for_twice_and_what_runs_is_what_the_newest_wants(
    versions: list[list[Wanted]], data: st.DataObject
):
    known: dict[UUID, Service] = {}
    for number, wanted in enumerate(versions, 1):
        change = services.by_plan(known.values(), wanted)
        begun = [Service(UUID(int=number * 100 + n), w.person, w.code, w.provider, Status.REQUESTED) for n, w in enumerate(change.begun)]
        assert not {service.wanted for service in begun} & {service.wanted for service in known.values() if service.status is not Status.ENDED}
        known |= {service.service_id: service for service in (*change.ended, *begun)}
        running = [service.wanted for service in known.values() if service.status not in OVER]
        delivered = [service.wanted for service in known.values() if service.status is Status.DELIVERED]
        assert len(running) == len(set(running))
        assert set(wanted) == {want for want in [*running, *delivered] if want in wanted}
        assert set(running) <= set(wanted)
        for service in list(known.values()):
            if service.status not in OVER and data.draw(st.booleans()):
                known[service.service_id] = services.answered(service, *data.draw(ANSWERS))


def test_a_provider_has_less_time_at_high_risk_and_a_new_wait_begins_a_new_clock():
    case = a_planned_case({MOTHER: "services_at_home"})
    asked = services.timed(case, {}, [a_service()], NOW, LIMITS)
    assert asked.deadlines[f"service_answer:{ID}"] == NOW + LIMITS.service_answer
    urgent = services.timed(services.replace(case, risk="high"), {}, [a_service()], NOW, LIMITS)
    assert urgent.deadlines[f"service_answer:{ID}"] == NOW + LIMITS.service_answer_high_risk
    late = services.replace(asked, missed={f"service_answer:{ID}": 2})
    accepted = services.timed(late, {ID: a_service(Status.ASKED)}, [a_service(Status.ACCEPTED)], NOW, LIMITS)
    assert (accepted.missed, set(accepted.deadlines) - set(case.deadlines)) == ({}, {f"service_delivery:{ID}"})
