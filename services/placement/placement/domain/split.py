"""A household that a supervisor lets be housed in groups, each placed whole: who is in which, what stands against it, which needs it becomes.

The system never splits a household; a supervisor may, with everyone's agreement and a recorded reason (DESIGN invariant 6). Children stay with
an adult of theirs unless a ground of theirs is recorded (P4 of DOMAIN.md section 5).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from placement.domain.needs import Need, State, enter
from placement.domain.people import Person
from placement.domain.placements import Placement, Step

# In these a household or a group looks for a bed that nobody said yes to yet.
LOOKING = frozenset({State.WAITING, State.OFFERED, State.NO_SHOW, State.DECLINED})
# Why a head said no to a household, where that may be otherwise for a part of it.
FOR_THEIR_NUMBER = frozenset({"full", "household_too_large", "cannot_meet_needs", "wrong_population"})


@dataclass(frozen=True, slots=True)
class Group:
    """Persons who are to be housed together; `ground` is why children are among them without an adult."""

    persons: frozenset[UUID]
    ground: str | None = None


def group_id(case_id: UUID, persons: Iterable[UUID]) -> UUID:
    """The id of a group: the same persons of a case are the same group, whoever says so and how often."""
    return uuid5(case_id, "|".join(sorted(str(person) for person in persons)))


def looking(whole: Need, groups: Iterable[Need]) -> tuple[Person, ...]:
    """Who of a household looks for a bed: all of one that is whole, or those in no group yet and those of groups that nobody said yes to yet."""
    needs = [whole, *groups] if whole.split else [whole]
    return tuple(person for need in needs if need.state in LOOKING or need.split for person in need.members)


def against(members: Sequence[Person], groups: Sequence[Group], *, again: bool) -> list[tuple[str, str]]:
    """What stands against these groups of those who look for a bed, as (field, code); empty when nothing does.

    Each person is in exactly one group. One group alone is only said of a household that is split already (`again`): they are together then.
    """
    known = {person.id: person for person in members}
    named = Counter(person for group in groups for person in group.persons)
    problems = [] if again or len(groups) > 1 else [("groups", "at_least_two")]
    for number, group in enumerate(groups):
        for person in sorted(group.persons):
            if person not in known:
                problems.append((f"groups.{number}.persons.{person}", "not_looking_for_a_bed"))
            elif named[person] > 1:
                problems.append((f"groups.{number}.persons.{person}", "in_two_groups"))
        inside = [known[person] for person in group.persons if person in known]
        alone = bool(inside) and not any(person.adult for person in inside)
        if alone != (group.ground is not None):
            problems.append((f"groups.{number}.ground", "child_without_an_adult" if alone else "an_adult_is_among_them"))
    return problems + [(f"groups.{person}", "in_no_group") for person in sorted(known.keys() - named.keys())]


def said_no(placements: Iterable[Placement]) -> frozenset[UUID]:
    """The homes whose heads said no for a reason that holds for a part of the household, too; the others may be asked for a part."""
    return frozenset(e.shelter_id for e in placements if e.state is Step.DECLINED and e.reason not in FOR_THEIR_NUMBER)


def follow(group: Need, whole: Need) -> Need:
    """A group as its case is now: what intake says is said of the case; the groups keep those of theirs who are still in the household."""
    return replace(
        group,
        version=whole.version,
        household_version=whole.household_version,
        revision=whole.revision,
        persons=whole.persons,
        risk=whole.risk,
        grounds=whole.grounds,
        keep_apart=whole.keep_apart | group.kept_from,
        perpetrator_areas=whole.perpetrator_areas,
        medical_gate=whole.medical_gate,
        shelter_needed=whole.shelter_needed,
        ended=whole.ended,
        end_version=whole.end_version,
        waiting_since=whole.waiting_since,
        channel=whole.channel,
        area=whole.area,
        area_changes=whole.area_changes,
    )


def divided(
    whole: Need, groups: Mapping[UUID, Need], persons: Iterable[Collection[UUID]], *, declined: frozenset[UUID] = frozenset(), apart: bool = False
) -> dict[UUID, Need]:
    """The needs that change, by id, when persons are put into these groups; each group waits from when its household did.

    A group that is the same as before goes on untouched; who is put into another one leaves the old one. `declined` are homes that need not be
    asked for a part either; with `apart` nobody of one group is housed where somebody of another one is.
    """
    wanted = {group_id(whole.case_id, group): frozenset(group) for group in persons}
    fresh = {name: group for name, group in wanted.items() if name not in groups or groups[name].apart != group}
    moved = frozenset[UUID]().union(*fresh.values())
    everyone = whole.apart | moved
    after = {whole.case_id: enter(replace(whole, apart=everyone), State.SPLIT)} if fresh else {}
    for name, entry in groups.items():
        if name not in wanted and (left := entry.apart - moved) != entry.apart:
            kept = replace(entry, apart=left)
            after[name] = enter(kept, State.NONE) if kept.emptied else kept
    for name, group in fresh.items():
        base = groups.get(name) or Need(name, part_of=whole.case_id, declined=declined)
        # What was said of some of them before is not said of all of them: the group begins anew.
        made = replace(base, apart=group, kept_from=everyone - group if apart else frozenset(), state=State.NONE, not_now=frozenset())
        after[name] = enter(follow(made, whole), State.WAITING)
    return after
