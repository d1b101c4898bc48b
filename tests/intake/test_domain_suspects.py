"""Whom a household must not meet: what people named is united with what suspects tell, and nothing named is lost."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from intake.domain.suspects import Suspect, apart

IDS = [UUID(int=n) for n in range(1, 9)]
SUSPECTS = st.builds(
    Suspect,
    st.sampled_from(IDS),
    st.lists(st.sampled_from(["31.71.01", "31.72.02", "31.73.03"]), max_size=2).map(tuple),
    st.frozensets(st.sampled_from(IDS), max_size=3),
)
FEW = st.lists(st.sampled_from(IDS), max_size=3)


@given(st.lists(SUSPECTS, max_size=4), st.dictionaries(st.sampled_from(IDS), FEW, max_size=3), FEW, st.randoms())
def test_what_was_named_stays_and_every_suspect_counts_whatever_the_order(suspects, aliases, named, chance):
    found = apart(suspects, aliases, named=named, named_areas=["31.74.04"])
    assert found.persons[: len(dict.fromkeys(named))] == tuple(dict.fromkeys(named))
    assert {suspect.suspect_id for suspect in suspects} <= set(found.persons)
    assert {area for suspect in suspects for area in suspect.areas} | {"31.74.04"} == set(found.areas)
    mixed = list(suspects)
    chance.shuffle(mixed)
    again = apart(mixed, aliases, named=named, named_areas=["31.74.04"])
    assert (set(again.persons), set(again.areas)) == (set(found.persons), set(found.areas))


def test_merges_make_a_suspect_everybody_he_is_and_a_member_of_the_household_is_not_kept_from_it():
    him, alias, member = IDS[1], IDS[2], IDS[3]
    found = apart([Suspect(IDS[0], same_as=frozenset({him, member}))], {him: [him, alias]}, own=[member])
    assert found.persons == (IDS[0], him, alias)
