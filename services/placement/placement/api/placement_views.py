"""What the routes of offers and stays take and show: codes from closed lists, and nobody's name."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from contracts.vocabulary import (
    AgencyCode,
    AgeYears,
    Agreement,
    AreaCode,
    CancelReason,
    DeclineReason,
    Destination,
    Handover,
    HouseholdRole,
    Need,
    PpksCategory,
    Sex,
    SplitReason,
)
from pydantic import AwareDatetime, BaseModel, Field

from placement.api.bodies import Body
from placement.domain.homes import summary
from placement.domain.needs import Need as Waiting
from placement.domain.people import Person
from placement.domain.placements import Agreed, Placement

ByPeople = Literal[CancelReason.SURVIVOR_DECLINED, CancelReason.SURVIVOR_UNREACHABLE, CancelReason.NO_LONGER_NEEDED]


# Codes, because a sentence would carry what nobody must read here.
ByHandReason = Literal["survivor_wish", "safety", "health", "care_need", "agreed_with_shelter", "near_services"]
# Why children are housed without an adult of theirs, in their best interests (P4).
ChildGround = Literal["health", "care_need", "danger_among_them", "boys_age_limit", "own_wish"]
Minutes = Annotated[int, Field(ge=1, le=360)]


class SaidBody(Body):
    """Who decided, and when, where that is not whoever writes this now: a coordinator records an answer given by phone."""

    decided_by: UUID | None = None
    occurred_at: AwareDatetime | None = None


class DeclineBody(SaidBody):
    """Why the head says no."""

    reason: DeclineReason


class OnTheWayBody(Body):
    """How the household comes to the shelter."""

    handover: Handover | None = None


class ExtendBody(Body):
    """How much more time an answer or an arrival gets."""

    minutes: Minutes


class TransferBody(Body):
    """Where to, and who, when not all; some without the others are housed apart, which needs a reason and their agreement."""

    shelter_id: UUID | None = None
    persons: frozenset[UUID] | None = Field(default=None, min_length=1, max_length=30)
    reason: SplitReason | None = None
    agreed: Literal[True] | None = None


class AbsenceBody(Body):
    """Who is away, and until when."""

    persons: frozenset[UUID] = Field(min_length=1, max_length=30)
    back_by: AwareDatetime


class BackBody(Body):
    """Who is back."""

    persons: frozenset[UUID] = Field(min_length=1, max_length=30)


class ByHandBody(Body):
    """Which shelter a person offers, why out of order, and which rules a supervisor sets aside for it.

    Without P3 a boy may be older than the limit of the shelter; without P4 a small child may sleep in a room without an adult of its household.
    """

    shelter_id: UUID
    reason: ByHandReason
    overrides: frozenset[Literal["P3", "P4"]] = frozenset()


class CancelBody(SaidBody):
    """Why people take an offer back."""

    reason: ByPeople


class AgreementBody(Body):
    """How one person agreed; a legal ground has an end date."""

    person_id: UUID
    agreement: Agreement
    legal_ground_until: date | None = None

    def agreed(self) -> Agreed:
        """In the domain's words."""
        return Agreed(self.person_id, self.agreement.value, self.legal_ground_until if self.agreement is Agreement.LEGAL_GROUND else None)


class GroupBody(Body):
    """Who is housed together, and why, when children are among them without an adult."""

    persons: frozenset[UUID] = Field(min_length=1, max_length=30)
    ground: ChildGround | None = None


class SplitBody(Body):
    """The groups that a household that looks for a bed is housed in, why, and how each person agreed to it."""

    groups: tuple[GroupBody, ...] = Field(min_length=1, max_length=30)
    reason: SplitReason
    agreements: tuple[AgreementBody, ...] = Field(max_length=30)


class AdmitBody(SaidBody):
    """How each member of the household agreed."""

    agreements: tuple[AgreementBody, ...] = Field(max_length=30)


class LeaveBody(Body):
    """Who leaves by her own choice."""

    persons: frozenset[UUID] = Field(min_length=1, max_length=30)


class DischargeBody(LeaveBody):
    """Who goes, and where to."""

    destination: Destination


class ArrivedBody(Body):
    """A person at the door, and how she agreed to come in."""

    sex: Sex
    age: AgeYears | None = None
    role: HouseholdRole = HouseholdRole.VICTIM
    needs: frozenset[Need] = frozenset()
    agreement: Agreement
    legal_ground_until: date | None = None

    def person(self, person_id: UUID) -> Person:
        """In the domain's words."""
        return Person(person_id, self.sex.value, self.age, self.role.value, frozenset(need.value for need in self.needs))

    def agreed(self, person_id: UUID) -> Agreed:
        """In the domain's words."""
        return AgreementBody(person_id=person_id, agreement=self.agreement, legal_ground_until=self.legal_ground_until).agreed()


class AdmissionBody(Body):
    """People at a shelter's door whom nobody reported yet, and who brought them."""

    shelter_id: UUID
    persons: tuple[ArrivedBody, ...] = Field(min_length=1, max_length=30)
    brought_by: AgencyCode
    area: AreaCode
    ppks: PpksCategory | None = None
    arrived_at: AwareDatetime | None = None


class ContactView(BaseModel):
    """Whom those who asked for a bed call: a coordinator, never the shelter."""

    placement_id: UUID
    phone: str


class MemberView(BaseModel):
    """A person of a placement: codes, no name."""

    person_id: UUID
    sex: str
    age: int | None
    role: str
    needs: tuple[str, ...]
    bed_id: UUID | None
    away_until: datetime | None = None


class PlacementView(BaseModel):
    """An offer and what became of it; for those who may not see placements without its members, and without what tells a secret shelter apart."""

    placement_id: UUID
    case_id: UUID
    group_id: UUID | None = None
    shelter_id: UUID | None
    state: str
    offered_at: datetime
    hold_until: datetime | None
    arrive_by: datetime | None
    admitted_at: datetime | None
    review_on: date | None
    reason: str | None
    direct: bool
    transfer_of: UUID | None
    claimed_by: UUID | None
    claimed_until: datetime | None
    handover: str | None
    decided_by: UUID | None
    decided_at: datetime | None
    recorded_by: UUID | None
    overrides: tuple[str, ...]
    re_entry: bool
    members: tuple[MemberView, ...]
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, entry: Placement, beds: Mapping[UUID, UUID], away: Mapping[UUID, datetime]) -> Self:
        """A placement with its beds and who is away until when, both by person id."""
        members = tuple(
            MemberView(
                person_id=person.id,
                sex=person.sex,
                age=person.age,
                role=person.role,
                needs=tuple(sorted(person.needs)),
                bed_id=beds.get(person.id),
                away_until=away.get(person.id),
            )
            for person in entry.members
        )
        names = set(cls.model_fields) - {"placement_id", "case_id", "group_id", "members", "state", "warnings"}
        of = {"case_id": entry.subject, "group_id": entry.case_id if entry.part_of else None}
        return cls(placement_id=entry.id, state=entry.state.value, members=members, **of, **{name: getattr(entry, name) for name in names})

    @classmethod
    def for_requester(cls, entry: Placement, *, secret: bool) -> Self:
        """A placement as those see it who asked for it: nobody's name, and nothing that tells one secret shelter from another (P14)."""
        hidden = {"members": (), "claimed_by": None, "decided_by": None, "recorded_by": None, "overrides": (), "transfer_of": None}
        return cls.of(entry, {}, {}).model_copy(update=hidden | ({"shelter_id": None, "review_on": None} if secret else {}))


class RefusalView(BaseModel):
    """Why one shelter did not suit."""

    shelter_id: UUID
    rule: str
    fact: str


class GroupView(BaseModel):
    """Another group of the same household, and where it stands."""

    group_id: UUID
    state: str
    persons: int


class NeedView(BaseModel):
    """A household that looks for a home; `place` is its place in the order of the waiting list, from 1.

    Of a household that was split it is one group, with its own id, and `others` are where the rest of them are.
    """

    case_id: UUID
    group_id: UUID | None = None
    place: int | None = None
    state: str
    risk: str
    persons: int
    waiting_since: datetime | None
    review_at: datetime | None
    refusals: dict[str, int]
    reasons: tuple[RefusalView, ...]
    others: tuple[GroupView, ...] = ()

    @classmethod
    def of(cls, need: Waiting, place: int | None = None, household: Iterable[Waiting] = ()) -> Self:
        """A need as officers see it; `household` are the needs of its case."""
        others = sorted((other for other in household if other.part_of and other.members and other.case_id != need.case_id), key=lambda o: o.case_id)
        return cls(
            case_id=need.subject,
            group_id=need.case_id if need.part_of else None,
            others=tuple(GroupView(group_id=other.case_id, state=other.state.value, persons=len(other.members)) for other in others),
            place=place,
            state=need.state.value,
            risk=need.risk,
            persons=len(need.members),
            waiting_since=need.waiting_since,
            review_at=need.review_at,
            refusals=summary(need.reasons),
            # Secret shelters are one in the counts; rule by rule they are told in the explanation, to supervisors, and audited.
            reasons=tuple(RefusalView(shelter_id=entry.home, rule=entry.rule, fact=entry.fact) for entry in need.reasons if not entry.secret),
        )


class PersonView(BaseModel):
    """A person of a household: codes, no name; `group_id` is her group, if the household was split and she is in one."""

    person_id: UUID
    sex: str
    age: int | None
    role: str
    needs: tuple[str, ...]
    group_id: UUID | None


class SplitView(BaseModel):
    """Who let a household be housed in groups, when and why."""

    reason: str
    groups: tuple[tuple[UUID, ...], ...]
    grounds: tuple[str | None, ...]
    decided_by: UUID
    decided_at: datetime


class HouseholdView(BaseModel):
    """A case's whole search: its household, the need of the whole, the groups that it was split into, and who approved that.

    `suspected` is whether secret shelters are withheld until a supervisor clears the alarm: said to supervisors only.
    """

    case_id: UUID
    persons: tuple[PersonView, ...]
    whole: NeedView
    groups: tuple[NeedView, ...]
    splits: tuple[SplitView, ...]
    suspected: bool | None = None
