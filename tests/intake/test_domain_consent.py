"""Who may say yes for whom, when a yes holds, and that the agencies which hear of a case are those with a current grant, always."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intake import feed
from intake.domain.consent import (
    Ages,
    Consenter,
    Share,
    Shares,
    Word,
    agreed,
    consenter_problems,
    end_of,
    hearers,
    lacking,
    on_the_list,
    restricted_by_person,
)
from intake.domain.standing import Fact
from intake.feed import Following

from tests.intake.builders import START, facts

MOTHER, CHILD, OTHER = (UUID(int=n) for n in (1, 2, 3))
AGES = Ages()


def a_yes(*, person=MOTHER, recipient=None, minute=0, until=None, ended=None, purpose="health"):
    return Word(person, purpose, recipient, yes=True, said=at(minute), until=at(until), ended=at(ended))


def a_no(*, person=MOTHER, recipient=None, minute=0):
    return Word(person, "health", recipient, yes=False, said=at(minute))


def at(minute) -> datetime | None:
    return None if minute is None else START + timedelta(minutes=minute)


def a_share(**known):
    return Share(**{"recipient": "rs", "purpose": "health", "persons": (MOTHER,), "basis": "consent", "until": at(100), **known})


def holds(words, recipient="rs", minute=50):
    return agreed(words, MOTHER, "health", recipient, at(minute))


def test_a_yes_holds_for_its_purpose_its_recipient_and_its_time():
    assert holds([a_yes()])
    assert holds([a_yes(recipient="rs", until=51)])
    assert not holds([a_yes(recipient="rs", until=50)]), "at the second of its end it has ended"
    assert not holds([a_yes(recipient="polda-ppa")])
    assert not holds([a_yes(purpose="legal_aid")])
    assert not holds([a_yes(person=CHILD)])


def test_a_no_beats_every_earlier_yes_that_it_covers_and_no_other():
    assert not holds([a_yes(minute=1), a_no(recipient="rs", minute=2)])
    assert holds([a_yes(minute=1), a_no(recipient="rs", minute=2)], recipient="lbh")
    assert not holds([a_yes(recipient="rs", minute=1), a_no(minute=2)])
    assert not holds([a_yes(recipient="rs", minute=1), a_yes(minute=1, ended=2)]), "taking back what was for all takes back each"
    assert holds([a_yes(minute=1), a_yes(recipient="rs", minute=1, ended=2)], recipient="lbh")
    assert holds([a_no(minute=2), a_yes(minute=3)]), "she may change her mind"
    assert not holds([a_yes(minute=2), a_no(minute=2)]), "of two words at one moment the no counts"


@given(
    words=st.lists(st.tuples(st.booleans(), st.sampled_from([None, "rs", "lbh"]), st.integers(0, 40), st.integers(1, 60)), max_size=6),
    order=st.randoms(),
)
def test_whether_a_yes_holds_does_not_depend_on_the_order_and_a_no_never_opens_anything(words, order):
    said = [a_yes(recipient=who, minute=m, until=m + n) if yes else a_no(recipient=who, minute=m) for yes, who, m, n in words]
    mixed = list(said)
    order.shuffle(mixed)
    assert holds(mixed) == holds(said)
    assert holds([word for word in said if word.yes]) or not holds(said)
    last_no = max((word.said for word in said if not word.yes and word.recipient in (None, "rs")), default=at(-1))
    expected = any(w.yes and w.recipient in (None, "rs") and w.said > last_no and at(50) < w.until for w in said)
    assert holds(said) == expected


def test_a_disclosure_holds_for_all_whom_it_concerns_or_not_at_all():
    share, words = a_share(persons=(MOTHER, CHILD)), [a_yes(), a_yes(person=CHILD)]
    assert end_of(share, words, {}, at(50), ended=False) is None
    assert end_of(share, words[:1], {}, at(50), ended=False) == "consent_ended"
    assert end_of(share, words, {CHILD: {"rs"}}, at(50), ended=False) == "restricted"
    assert end_of(share, words, {CHILD: {"lbh"}, OTHER: {"rs"}}, at(50), ended=False) is None
    assert end_of(share, words, {}, at(100), ended=False) == "expired"
    assert end_of(share, words, {}, at(50), ended=True) == "case_ended"
    assert end_of(replace(share, basis="vital_interest"), [], {}, at(50), ended=False) is None
    assert end_of(replace(share, basis="vital_interest"), [], {MOTHER: {"rs"}}, at(50), ended=False) == "restricted", "nothing overrides that"


def what_lacks(share, *, words=(), restricted=(), unseen=()):
    kept = restricted_by_person(restricted)
    return lacking(share, members=(MOTHER, CHILD), words=words, restricted=kept, asker="dppapp", unseen=unseen, now=at(50))


def test_a_refused_disclosure_says_which_field_lacks_what():
    assert what_lacks(a_share(), words=[a_yes()]) == []
    assert what_lacks(a_share(persons=(MOTHER, CHILD)), words=[a_yes()]) == [("persons.1", "consent_missing")]
    assert what_lacks(a_share(persons=(OTHER,))) == [("persons.0", "unknown_person")]
    assert what_lacks(a_share(), words=[a_yes()], restricted=[(MOTHER, "rs")]) == [("recipient", "restricted")]
    assert what_lacks(a_share(), words=[a_yes()], unseen=[MOTHER]) == [("persons.0", "consent_missing")]
    assert what_lacks(a_share(recipient="dppapp"), words=[a_yes()]) == [("recipient", "own_agency")]
    assert what_lacks(a_share(until=at(50)), words=[a_yes()]) == [("until", "in_the_past")]
    assert what_lacks(a_share(basis="vital_interest")) == [("reason", "missing")]
    assert what_lacks(a_share(basis="vital_interest", override="danger_to_life")) == []
    assert what_lacks(a_share(override="danger_to_life"), words=[a_yes()]) == [("reason", "only_without_consent")]
    assert what_lacks(a_share(fields=("name", "narrative")), words=[a_yes()]) == [("fields.1", "concerns_others_too")]


@pytest.mark.parametrize(
    ("age", "consenter", "wrong"),
    [
        (31, Consenter("self", "written"), []),
        (None, Consenter("self", "verbal_recorded"), []),
        (31, Consenter("guardian", "written", relation="parent"), [("given_by", "adult_decides_herself")]),
        (31, Consenter("alternative", "written", alternative="court", reason="unable_to_decide"), []),
        (31, Consenter("alternative", "written"), [("alternative", "missing"), ("reason", "missing")]),
        (3, Consenter("guardian", "written", relation="parent"), []),
        (3, Consenter("guardian", "written"), [("relation", "missing")]),
        (3, Consenter("self", "written"), [("given_by", "child_cannot_alone")]),
        (6, Consenter("guardian", "written", relation="parent"), [("assent", "missing")]),
        (6, Consenter("guardian", "verbal_recorded", relation="parent", assent=True), []),
        (11, Consenter("guardian", "written", relation="parent", assent=False), [("assent", "child_says_no")]),
        (12, Consenter("guardian", "verbal_recorded", relation="parent", assent=True), [("medium", "must_be_written")]),
        (12, Consenter("alternative", "written", assent=True, alternative="peksos", reason="guardian_is_suspect"), []),
        (14, Consenter("self", "written"), [("given_by", "child_cannot_alone")]),
        (15, Consenter("self", "written"), [("reason", "missing")]),
        (15, Consenter("self", "verbal_recorded", reason="guardian_unsafe"), []),
        (17, Consenter("guardian", "verbal_recorded", relation="parent", assent=True), []),
    ],
)
def test_who_may_say_yes_depends_on_the_age(age, consenter, wrong):
    assert consenter_problems(age, consenter, AGES) == wrong


def test_who_is_to_learn_nothing_of_a_child_consents_to_nothing_for_her():
    father = Consenter("guardian", "written", relation="parent", person=OTHER)
    assert on_the_list(father, [(OTHER, None)]) == [("consenter_id", "on_the_list")]
    assert on_the_list(father, [(None, "parent")]) == [("relation", "on_the_list")]
    assert on_the_list(father, [(MOTHER, None), (None, "spouse")]) == []
    assert on_the_list(Consenter("self", "written"), [(None, "parent")]) == []


# -- the agencies that hear of a case are those with a current grant, whatever happens in which order --------------------------------

AGENCIES = ("police", "dppapp", "dinsos", "rs")
WAY = facts(
    "intake.reported",
    "intake.triaged",
    "placement.waitlisted",
    "placement.admitted",
    "assessment.assigned",
    "assessment.completed",
    "assessment.plan_approved",
    "assessment.outcome_reached",
    "assessment.followup_done",
    "intake.closed",
)


@dataclass
class City:
    """A case as it would be: who leads, who is disclosed to or restricted, its facts; and what each agency got, under its own follow."""

    responsible: str = "dppapp"
    disclosed: set[str] = field(default_factory=set)
    restricted: set[str] = field(default_factory=set)
    known: list[Fact] = field(default_factory=lambda: list(WAY[:1]))
    follows: dict[str, Following] = field(default_factory=dict)
    got: dict[str, list[str]] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        return any(fact.type.endswith("closed.v1") for fact in self.known)

    def full(self, agency: str) -> bool:
        """Said in other words than the code under test says it."""
        return agency == "police" or (agency == self.responsible and any(fact.type.endswith("triaged.v1") for fact in self.known))

    def granted(self) -> set[str]:
        return {agency for agency in AGENCIES if (self.full(agency) or agency in self.disclosed) and agency not in self.restricted}

    def step(self, before: list[Fact], *, was_ended: bool) -> None:
        if was_ended:
            return
        triaged = any(fact.type.endswith("triaged.v1") for fact in self.known)
        shares = Shares(frozenset(self.disclosed), frozenset(self.restricted))
        hears = hearers("police", self.responsible if triaged else None, shares)
        for agency in AGENCIES:
            copies, then = feed.heard(self.follows.get(agency, Following()), hears.get(agency), before, self.known, ended=self.ended)
            assert not copies or agency in self.granted(), "no copy without a grant"
            self.follows[agency] = then
            self.got.setdefault(agency, []).extend(copy.key for copy in copies)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("fact"), st.integers(1, len(WAY) - 1)),
        st.tuples(st.just("lead"), st.sampled_from(AGENCIES[1:3])),
        st.tuples(st.sampled_from(["disclose", "end", "restrict", "lift"]), st.sampled_from(AGENCIES)),
    ),
    max_size=25,
)


@settings(max_examples=400)
@given(steps=STEPS)
def test_the_agencies_that_hear_are_those_with_a_current_grant_and_nobody_hears_anything_twice(steps):
    city = City()
    city.step([], was_ended=False)
    for what, which in steps:
        before, was_ended = list(city.known), city.ended
        if what == "fact" and WAY[which] not in city.known:
            city.known.append(WAY[which])
        elif what == "lead":
            city.responsible = which
        elif what in {"disclose", "end"}:
            (city.disclosed.add if what == "disclose" else city.disclosed.discard)(which)
        elif what in {"restrict", "lift"}:
            (city.restricted.add if what == "restrict" else city.restricted.discard)(which)
        city.step(before, was_ended=was_ended)
        hearing = {agency for agency, follow in city.follows.items() if follow.hears}
        assert hearing == (set() if city.ended else city.granted())
        for agency, got in city.got.items():
            assert len(got) == len(set(got)), "nothing twice"
            if agency in hearing:
                due = {copy.key for copy in feed.copies(city.known, reduced=city.follows[agency].reduced)}
                assert due <= set(got), "whoever hears has heard the whole way that is for it"
                assert city.follows[agency].reduced != city.full(agency)


def test_a_reduced_feed_says_neither_risk_nor_shelter_nor_outcome_nor_why_it_ended():
    copies = feed.copies([*WAY[:-1], replace(WAY[-1], codes={"reason": "refused_service"})], reduced=True)
    assert {copy.kind.type for copy in copies} == {"agency.opened.v1", "agency.ended.v1", "agency.assessment_began.v1", "agency.planned.v1"}
    assert [dict(copy.fields) for copy in copies if copy.kind.type == "agency.ended.v1"] == [{"reason": "other"}]
