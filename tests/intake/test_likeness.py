"""Encodings keep what tells two persons apart and nothing that can be read; the same invented people are found again, and few others."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.linkage.likeness import LEVELS, POPULAR, VERSION, Described, Encoder, compared, dice, judged, packed, unpacked
from intake.linkage.weights import SHOWN, WEIGHTS
from intake.linkage.weights import VERSION as LEARNED_FOR
from ops.doubles import ORDINARY, ROUGH, written
from ops.linkage import Register, blind, measured

from tests.intake.builders import a_nik

# 100,000 are proven by hand or by night (NAUNGAN_LIKENESS_PEOPLE=100000, minutes); whatever the size, the figures must be reached.
PEOPLE = int(os.environ.get("NAUNGAN_LIKENESS_PEOPLE", "8000"))
SEED = int(os.environ.get("NAUNGAN_LIKENESS_SEED", "33"))


def someone(**known):
    """A person as told."""
    told = {"name": "Kenanga Wulandari", "nik": None, "phone": "0813-0000-7777", "address": "Gang Melati 3", "sex": "female", "age": 36}
    return Described(**{**told, "area": "31.71.02", "year": 2026, **known})


def bits(one, other, rarest=2, phones=2):
    encoder = Encoder(blind)
    return judged(compared(encoder.encoded(one).likeness, encoder.encoded(other).likeness, rarest=rarest, phones=phones))


@pytest.mark.timeout(3600)
def test_invented_people_are_found_again_and_few_others():
    register = Register(written(SEED, PEOPLE))
    found = measured(register, register.pairs(), SHOWN)
    print(f"\n{len(register.who)} reports of {PEOPLE} people: {found}")
    assert found.true > PEOPLE / 20
    assert found.recall >= 0.95
    assert found.precision >= 0.98


def test_the_measure_sees_what_is_wrong():
    register = Register(written(SEED, 800, ROUGH))
    rough = measured(register, register.pairs(), SHOWN)
    assert rough.recall < measured(register, register.pairs(), -99).recall
    assert measured(register, register.pairs(), -99).precision < 0.5, "showing everybody who shares a key is no help"
    assert measured(register, register.pairs(), 99).recall == 0


def test_the_same_seed_invents_the_same_people_and_another_seed_others():
    assert list(written(1, 50)) == list(written(1, 50)) != list(written(2, 50))
    assert all(entry.nik is None or entry.nik.startswith("00") for entry in written(1, 500, ORDINARY)), "no NIK that could be somebody's"
    assert all(entry.phone is None or entry.phone.startswith(("0000", "+62 000")) for entry in written(1, 500))


def test_spelling_order_and_format_do_not_matter():
    assert bits(someone(), someone(name="WULANDARI KENANGAH", phone="+62 813 0000 7777", address="Gg. Melati no. 3")).bits > 10


def test_twins_are_two():
    twin = someone(name="Bintang Wulandari", nik=a_nik(serial=8, province=0))
    assert bits(someone(nik=a_nik(serial=7, province=0)), twin).bits < SHOWN
    assert "name" in bits(someone(nik=a_nik(serial=7, province=0)), twin).differ


def test_a_phone_of_many_does_not_make_one_of_them():
    stranger = someone(name="Mawar Lestari", address=None, age=29, area="31.74.01")
    assert bits(someone(address=None), stranger, rarest=None, phones=POPULAR).bits < SHOWN


def test_a_rare_name_says_more_than_a_common_one():
    assert bits(someone(), someone(address=None), rarest=1).bits > bits(someone(), someone(address=None), rarest=None).bits


def test_what_is_not_known_neither_agrees_nor_differs():
    told = bits(someone(), someone(phone=None, address=None, age=None, area="00.00.00", sex="unknown"))
    assert (told.agree, told.differ) == (("name",), ())


def test_every_weight_is_of_a_level_that_there_is_and_of_this_version():
    assert LEARNED_FOR == VERSION
    assert {field: set(levels) for field, levels in WEIGHTS.items()} == {field: set(levels[1:]) for field, levels in LEVELS.items()}


@given(st.text(max_size=60) | st.none(), st.text(max_size=40) | st.none(), st.text(max_size=80) | st.none(), st.integers(0, 120) | st.none())
def test_whatever_was_told_is_encoded_in_one_length_and_comes_back(name, phone, address, age):
    kept = Encoder(blind).encoded(someone(name=name, phone=phone, address=address, age=age)).likeness
    assert len(packed(kept)) == len(packed(Encoder(blind).encoded(someone()).likeness))
    assert unpacked(packed(kept)) == kept
    assert set(compared(kept, kept, rarest=1, phones=1)) == set(LEVELS)


def test_an_encoding_of_another_version_is_not_compared():
    content = packed(Encoder(blind).encoded(someone()).likeness)
    assert unpacked(bytes([VERSION + 1]) + content[1:]) is None


def test_without_the_key_an_encoding_says_nothing():
    other = Encoder(lambda field, value: blind(f"other key {field}", value))
    mine, theirs = Encoder(blind).encoded(someone()), other.encoded(someone())
    assert {key.hash for key in mine.keys} & {key.hash for key in theirs.keys} == set()
    assert dice(mine.likeness.words[0], theirs.likeness.words[0]) < 0.5
    assert b"enanga" not in packed(mine.likeness)


def test_whoever_looks_is_found_under_her_own_keys_and_those_of_the_neighbouring_years():
    encoded = Encoder(blind).encoded(someone())
    assert set(encoded.keys) < set(encoded.probes)
    older = Encoder(blind).encoded(someone(age=39, phone=None, address=None, area="31.75.01"))
    assert {key.hash for key in encoded.probes} & {key.hash for key in older.keys}
