"""Which providers hear of a request, and what an assessment raises: pure."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID, uuid5

import pytest
from contracts.consents import Purpose
from contracts.services import ServiceCode
from hypothesis import given
from hypothesis import strategies as st
from intake import feed
from intake.domain import referring
from intake.domain.raised import raised_by
from intake.domain.referring import Grants
from intake.domain.standing import Fact, standing

from tests.intake.builders import START, facts

ONE, TWO, WOMAN = (UUID(int=n) for n in (1, 2, 3))


def said(producer: str, name: str, version: int, **codes: object) -> Fact:
    return Fact(uuid5(WOMAN, f"{producer}{name}{version}"), producer, version, f"case.{producer}.{name}.v1", START, codes)


def requested(service: UUID, provider: str = "dinsos", code: str = "psikologis", version: int = 1) -> Fact:
    who = {"service_id": str(service), "person_id": str(WOMAN), "provider": provider, "service": code}
    return said("assessment", "service_requested", version, **who, due_at="2026-11-04T08:00:00Z")


def routed(service: UUID, version: int, *, passed_on: bool, provider: str = "dinsos") -> Fact:
    who = {"service_id": str(service), "provider": provider, "service": "psikologis"}
    return said("intake", "service_routed", version, **who, passed_on=passed_on, due_at="2026-11-04T08:00:00Z")


def declined(service: UUID, version: int, *, final: bool) -> Fact:
    return said("assessment", "service_declined", version, service_id=str(service), provider="dinsos", final=final)


def test_every_service_serves_a_purpose_that_can_be_consented_to():
    assert set(referring.PURPOSES) <= set(ServiceCode)
    assert {*referring.PURPOSES.values(), referring.CASE_WORK} <= set(Purpose)


COVERED = ("dinsos", "psychological", WOMAN)


@pytest.mark.parametrize(
    ("grants", "hears"),
    [
        (Grants(), False),
        (Grants(full={"dinsos"}), True),
        (Grants(full={"dinsos"}, restricted={"dinsos"}), False),
        (Grants(covers={COVERED}), True),
        (Grants(covers={COVERED}, restricted={"dinsos"}), False),
        (Grants(covers={("dinsos", "health", WOMAN)}), False),
        (Grants(covers={("dinsos", "psychological", ONE)}), False),
        (Grants(covers={("polda-ppa", "psychological", WOMAN)}), False),
    ],
)
def test_a_provider_hears_of_a_request_by_a_grant_for_its_purpose_and_person_only(grants: Grants, hears: bool):
    ((request, passed_on),) = referring.to_route([requested(ONE)], grants)
    assert (request.service_id, passed_on) == (str(ONE), hears)


def test_it_is_said_once_and_again_only_when_something_else_holds():
    known = [requested(ONE), routed(ONE, 1, passed_on=False)]
    assert referring.to_route(known, Grants()) == []
    ((_, passed_on),) = referring.to_route(known, Grants(full={"dinsos"}))
    assert passed_on is True
    back = [*known, routed(ONE, 2, passed_on=True)]
    assert referring.to_route(back, Grants(full={"dinsos"})) == []
    assert [passed for _, passed in referring.to_route(back, Grants())] == [False]


def test_what_is_over_is_routed_no_more_but_a_decline_alone_does_not_end_it():
    assert referring.to_route([requested(ONE), declined(ONE, 2, final=True)], Grants()) == []
    assert len(referring.to_route([requested(ONE), declined(ONE, 2, final=False)], Grants())) == 1


def test_what_was_asked_before_a_case_was_reopened_is_asked_no_more():
    again = said("intake", "reopened", 5, reason="asked_again")
    assert referring.requests([requested(ONE), again]) == {}
    anew = said("assessment", "assigned", 2, worker_id=str(TWO), reopened_version=5)
    assert list(referring.requests([requested(ONE), again, anew, requested(TWO, version=3)])) == [str(TWO)]


def test_an_agency_hears_of_the_services_that_it_was_asked_for_and_of_no_other():
    known = [
        requested(ONE),
        requested(TWO, "polda-ppa", version=2),
        routed(ONE, 1, passed_on=True),
        routed(TWO, 2, passed_on=False, provider="polda-ppa"),
        declined(ONE, 3, final=True),
        declined(TWO, 4, final=True),
    ]

    def copies(agency: str, **how: bool) -> list[str]:
        return [copy.kind.type for copy in feed.copies(referring.concerning(agency, known), **how)]

    for reduced in (True, False):
        assert copies("dinsos", reduced=reduced) == ["agency.service_requested.v1", "agency.service_ended.v1"]
        assert copies("polda-ppa", reduced=reduced) == copies("dppapp", reduced=reduced) == []


@given(st.permutations([requested(ONE), routed(ONE, 1, passed_on=False), routed(ONE, 2, passed_on=True), declined(ONE, 2, final=False)]))
def test_the_order_in_which_facts_come_does_not_matter(known: Sequence[Fact]):
    assert referring.requests(known)[str(ONE)].passed_on is True


# -- what raises a risk ----------------------------------------------------------------------------------------------------------


def found(risk: str | None, version: int = 1) -> Fact:
    return said("assessment", "completed", version, band="mild", risk=risk)


@pytest.mark.parametrize(
    ("now", "came_to", "raised"),
    [("low", "high", "high"), ("medium", "low", None), ("high", "high", None), ("medium", None, None), ("low", "medium", "medium")],
)
def test_an_assessment_raises_the_risk_and_never_lowers_it(now: str, came_to: str | None, raised: str | None):
    known = facts("intake.triaged", triaged={"risk": now})
    highest = raised_by([found(came_to)], standing(known), known)
    assert (highest.codes["risk"] if highest else None) == raised


def test_the_highest_counts_and_what_was_raised_before_is_not_raised_again():
    known = facts("intake.triaged", triaged={"risk": "low"})
    assert raised_by([found("medium"), found("high", 2)], standing(known), known) == found("high", 2)
    (raise_said,) = (replace(fact, causation=str(found("high").id), version=2) for fact in facts("intake.risk_changed"))
    again = [*known, raise_said]
    assert raised_by([found("high")], standing(again), again) is None


def test_nothing_is_raised_in_a_case_that_nobody_triaged_or_that_ended():
    for known in (facts("intake.reported"), facts("intake.triaged", "intake.withdrawn", triaged={"risk": "low"})):
        assert raised_by([found("high")], standing(known), known) is None
