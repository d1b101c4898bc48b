"""Who may be erased and what goes with her; what a receipt proves; what of a fact is about one person."""

import hashlib
import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.domain.rights import ErasedAlreadyError, Erasing, HeldError, Known, TextsUndecidedError, about, erasing, receipt

ONE, OTHER = UUID(int=1), UUID(int=2)
NOW = datetime(2026, 11, 26, 3, 4, 5, tzinfo=UTC)
PEOPLE = st.lists(st.builds(Known, st.uuids(), st.uuids(), st.booleans(), st.booleans(), st.booleans()), max_size=6)


def a_person(person_id: UUID = ONE, *, erased: bool = False, held: bool = False, others: bool = False) -> Known:
    return Known(person_id, UUID(int=person_id.int + 100), erased, held, others)


def test_one_who_is_alone_takes_the_texts_with_her_whatever_was_said() -> None:
    for keep in (None, True, False):
        assert erasing([a_person()], keep_texts=keep) == (Erasing(ONE, UUID(int=101), texts=True),)


def test_while_others_are_left_somebody_decides_on_the_texts() -> None:
    with pytest.raises(TextsUndecidedError):
        erasing([a_person(others=True)], keep_texts=None)
    assert [entry.texts for entry in erasing([a_person(others=True)], keep_texts=True)] == [False]
    assert [entry.texts for entry in erasing([a_person(others=True)], keep_texts=False)] == [True]


def test_a_hold_on_one_of_her_ids_keeps_all_of_her() -> None:
    with pytest.raises(HeldError):
        erasing([a_person(), a_person(OTHER, held=True)], keep_texts=True)


def test_an_id_that_was_erased_before_is_left_out_and_one_that_has_nothing_left_is_refused() -> None:
    assert [entry.person_id for entry in erasing([a_person(erased=True), a_person(OTHER)], keep_texts=True)] == [OTHER]
    with pytest.raises(ErasedAlreadyError):
        erasing([a_person(erased=True)], keep_texts=True)


@given(PEOPLE, st.sampled_from([None, True, False]))
def test_nobody_held_is_ever_erased_and_no_texts_of_others_go_unless_somebody_said_so(people: list[Known], keep: bool | None) -> None:
    try:
        decided = erasing(people, keep_texts=keep)
    except (HeldError, ErasedAlreadyError, TextsUndecidedError):
        return
    assert not any(person.held for person in people)
    assert [entry.person_id for entry in decided] == [person.person_id for person in people if not person.erased]
    left = [person for person in people if not person.erased]
    assert all(entry.texts == (not person.others or keep is False) for entry, person in zip(decided, left, strict=True))


def test_the_hash_is_that_of_what_she_is_given_and_of_nothing_else() -> None:
    given_to_her, digest = receipt(ONE, NOW, "person_asked", texts=True)
    written = json.dumps(given_to_her, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(written.encode()).hexdigest() == digest
    assert receipt(OTHER, NOW, "person_asked", texts=True)[1] != digest


def test_codes_of_others_are_left_out_however_deep_they_lie() -> None:
    codes = {
        "risk": "high",
        "perpetrator_areas": ["31.71.01"],
        "keep_apart": [str(OTHER)],
        "household": {"revision": 1, "persons": [{"person_id": str(ONE), "age": 36}, {"person_id": str(OTHER), "age": 7}]},
        "persons": [str(ONE), str(OTHER)],
        "goals": {str(ONE): "reunification", str(OTHER): "rehabilitation"},
        "receiver": str(OTHER),
    }
    assert about(codes, str(ONE), {str(OTHER)}) == {
        "risk": "high",
        "household": {"revision": 1, "persons": [{"person_id": str(ONE), "age": 36}]},
        "persons": [str(ONE)],
        "goals": {str(ONE): "reunification"},
    }
