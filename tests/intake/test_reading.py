"""Both doors read a submission in one way: leniently, precisely, and without echoing a value."""

import json
from datetime import UTC, date, datetime
from functools import partial

import pytest
from contracts.agencies import Problem
from contracts.vocabulary import ProblemCode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake.reading import LARGEST, UNREADABLE, read_submission

from tests.intake import builders
from tests.intake.builders import a_body, a_person, a_referral

# What is odd in a NIK is the matter here, so these are of Jakarta.
a_nik = partial(builders.a_nik, province=31)
# The machine may be slow; that is no failure of what is shown here.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def read(**known):
    return read_submission(a_body(**known), NOW)


def codes(reading):
    return {field: str(code) for field, code in reading.problems}


def test_a_complete_referral_has_no_problems():
    reading = read()
    assert reading.complete
    assert reading.problems == ()


@pytest.mark.parametrize("name", ["reference", "urgency", "callback"])
def test_without_a_mandatory_field_it_is_refused(name):
    reading = read(**{name: None})
    assert reading.referral is None
    assert codes(reading)[name] == "missing"


@pytest.mark.parametrize(
    ("name", "value"), [("reference", "a b"), ("urgency", "very"), ("callback", "  "), ("callback", 812), ("reference", "x" * 65)]
)
def test_with_a_wrong_mandatory_field_it_is_refused(name, value):
    reading = read(**{name: value})
    assert reading.referral is None
    assert name in codes(reading)


def test_a_refusal_names_the_reference_when_it_can_be_read():
    assert read(urgency="very", reference="P/7").reference == "P/7"
    assert read(reference="a b").reference is None


@pytest.mark.parametrize("name", ["area", "persons", "violence_types", "narrative"])
def test_a_missing_recommended_field_makes_it_incomplete(name):
    reading = read(**{name: None})
    assert reading.referral is not None
    assert codes(reading) == {name: "missing"}
    assert not reading.complete


def test_a_ppks_category_stands_in_for_violence():
    assert read(violence_types=None, ppks=11).complete


def test_a_victims_sex_and_age_are_asked_for_but_not_a_carers():
    persons = [a_person(sex="unknown", age=None), a_person(role="carer", sex="unknown", age=None)]
    assert codes(read(persons=persons)) == {"persons.0.sex": "missing", "persons.0.age": "missing"}


def test_what_is_wrong_is_dropped_and_named_by_its_place_in_what_was_sent():
    persons = ["nobody", a_person(age=-3, needs=["care", "wings", "care"]), a_person(phone="1" * 41)]
    reading = read(persons=persons, ppks=99, area="31.71.99", screen={"red_flags": ["weapon", "dragon"], "shelter_needed": "perhaps"})
    assert codes(reading) == {
        "persons.0": "invalid",
        "persons.1.age": "invalid",
        "persons.1.needs.1": "unknown_code",
        "persons.2.phone": "invalid",
        "ppks": "invalid",
        "area": "not_in_area_list",
        "screen.red_flags.1": "unknown_code",
        "screen.shelter_needed": "invalid",
    }
    assert [person.needs for person in reading.referral.persons] == [("care",), ()]
    assert reading.referral.screen.red_flags == ("weapon",)


def test_an_impossible_nik_is_dropped_and_another_birth_date_only_warned_of():
    reading = read(persons=[a_person(nik=a_nik(serial=0)), a_person(nik=a_nik(), age=12)])
    assert codes(reading) == {"persons.0.nik": "nik_impossible", "persons.1.nik": "nik_differs"}
    assert [person.nik for person in reading.referral.persons] == [None, a_nik()]
    assert not reading.complete
    assert read(persons=[a_person(nik=a_nik(), age=12)]).complete


def findings(nik, **person):
    return [str(code) for field, code in read(persons=[a_person(nik=nik, **person)]).problems if field == "persons.0.nik"]


@pytest.mark.parametrize(
    ("nik", "found"),
    [
        (a_nik(), []),
        (f"{a_nik()[:4]}.{a_nik()[4:10]} {a_nik()[10:]}", []),
        (a_nik(sex="male"), ["nik_differs"]),
        (a_nik(born=date(1970, 5, 17)), ["nik_differs"]),
        (a_nik(province=32), ["nik_not_jakarta"]),
        (a_nik(province=9), ["nik_unknown_district", "nik_not_jakarta"]),
        (a_nik(province=20, sex="male"), ["nik_differs", "nik_unknown_district", "nik_not_jakarta"]),
        (f"317199{a_nik()[6:]}", ["nik_unknown_district"]),
        (a_nik()[:15], ["nik_impossible"]),
        (a_nik() + "1", ["nik_impossible"]),
        (a_nik()[:15] + "x", ["nik_impossible"]),
        (f"{a_nik()[:6]}310290{a_nik()[12:]}", ["nik_impossible"]),
        (f"{a_nik()[:6]}710290{a_nik()[12:]}", ["nik_impossible"]),
        (a_nik(serial=0), ["nik_impossible"]),
        (a_nik(province=0), ["nik_impossible"]),
        ("\uff13" + a_nik()[1:], ["nik_impossible"]),
    ],
)
def test_errors_of_a_nik_drop_it_and_oddities_are_all_told_and_taken(nik, found):
    assert findings(nik) == found
    reading = read(persons=[a_person(nik=nik)])
    assert reading.complete == (found != ["nik_impossible"])
    assert (reading.referral.persons[0].nik is None) == (found == ["nik_impossible"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Dipukul dua kali pada 24-11-2026 pukul 21.30 di Blok C2 no. 112.", set()),
        ("Kerugian Rp 12.500.000, kasus ke-3 sejak 2019.", set()),
        (f"NIK korban {a_nik(province=0)}.", {"nik_in_text"}),
        (f"nik:{a_nik(serial=0)[:6]} {a_nik(serial=0)[6:12]} {a_nik(serial=0)[12:]}", {"nik_in_text"}),
        ("Hubungi 0812-0000-0000 sesudah magrib", {"phone_in_text"}),
        ("WA +62 (812) 0000 0000", {"phone_in_text"}),
        ("rumahnya 021 0000000? telepon kantor (021) 500-0000", {"phone_in_text"}),
        (f"{a_nik(serial=0)} / 081200000000", {"nik_in_text", "phone_in_text"}),
    ],
)
def test_numbers_in_a_story_are_warned_of_and_never_repeated(text, found):
    reading = read(narrative=text)
    assert {str(code) for field, code in reading.problems if field == "narrative"} == found
    assert reading.complete
    assert reading.referral.narrative == text


def test_a_post_is_a_code_whose_district_exists():
    assert read(post="rptra-31.75.01-03").referral.post == "rptra-31.75.01-03"
    for post, code in (("pos-31.75.99", "not_in_area_list"), ("rumah Bu Sekar", "invalid"), ("pos-31.75.01-Sekar", "invalid")):
        reading = read(post=post)
        assert codes(reading) == {"post": code}
        assert reading.referral.post is None


@pytest.mark.parametrize(
    ("heard", "taken"),
    [
        ("2026-11-24T07:00:00Z", True),
        ("2026-11-24T14:00:00", True),
        ("2026-11-24T08:04:00Z", True),
        ("2025-12-01T00:00:00Z", True),
        ("2026-11-24T08:06:00Z", False),
        ("2025-11-01T00:00:00Z", False),
        ("kemarin", False),
    ],
)
def test_when_somebody_heard_of_it_lies_in_the_last_year_and_not_in_the_future(heard, taken):
    reading = read(heard_at=heard)
    assert (codes(reading), reading.referral.heard_at is not None) == ({} if taken else {"heard_at": "invalid"}, taken)


def test_what_was_understood_by_the_release_before_reads_the_same_so_that_a_retry_after_an_upgrade_is_known():
    reading = read(reference="A-1", persons=[a_person(age=None)], narrative=None, urgency="high")
    assert reading.content == (
        '{"reference":"A-1","urgency":"high","callback":"Bripka Rudi, 0812-1111-2222","channel":"police","reporter":"professional","area":"31.71.02",'
        '"area_kind":"incident","persons":[{"role":"victim","name":"Sekar Ayu","nik":null,"sex":"female","age":null,"phone":"0813-0000-0000",'
        '"address":"Gang Melati 3","needs":[]}],"violence_types":["fisik"],"ppks":null,"occurred_at":null,"narrative":null,"screen":null}'
    )
    assert read(reference="A-1", post="pos-31.75.01").content != read(reference="A-1").content


def test_more_persons_than_a_household_may_have_are_named():
    reading = read(persons=[a_person()] * 40)
    assert codes(reading) == {"persons": "invalid"}
    assert len(reading.referral.persons) == 30


@pytest.mark.parametrize("moment", ["2026-11-20T10:00:00", "2026-11-20T03:00:00Z", 1795143600])
def test_a_time_without_an_offset_is_jakartas(moment):
    occurred = read(occurred_at=moment).referral.occurred_at
    assert occurred.tzinfo is UTC
    assert occurred == datetime(2026, 11, 20, 3, tzinfo=UTC)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2027-05-01T00:00:00Z", 1e300, "yesterday"])
def test_an_impossible_time_is_dropped(moment):
    reading = read(occurred_at=moment)
    assert codes(reading) == {"occurred_at": "invalid"}
    assert reading.referral.occurred_at is None


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe", b"[]", b"null", b'{"a": NaN}', b'{"a": -Infinity}', b"[" * 200_000, b'{"a":' * 30 + b"1" + b"}" * 30, b"{" + b" " * LARGEST + b"}",
     b'{"a": ' + b"9" * 5000 + b"}"],
    ids=["empty", "not utf-8", "list", "null", "nan", "infinity", "bottomless", "deep", "large", "huge number"],
)  # fmt: skip
def test_what_is_no_sane_json_object_is_unreadable(body):
    reading = read_submission(body, NOW)
    assert (reading.referral, reading.reference, reading.problems) == (None, None, (UNREADABLE,))


def test_duplicate_keys_and_a_byte_order_mark_are_read():
    body = a_body().replace(b'{"reference"', b'{"urgency": "low", "reference"', 1)
    assert read_submission(b"\xef\xbb\xbf" + body, NOW).complete


def test_unpaired_surrogates_do_not_get_in():
    body = a_body(narrative="X").replace(b'"X"', b'"\\ud800"')
    assert codes(read_submission(body, NOW)) == {"narrative": "invalid"}


def test_both_doors_read_the_same():
    referral = a_referral(persons=[a_person(nik=a_nik(), needs=["infant"])], screen={"shelter_needed": True})
    by_nats, by_http = read_submission(json.dumps(referral).encode(), NOW), read_submission(referral, NOW)
    assert by_nats == by_http
    assert read_submission({"x": float("nan"), **referral}, NOW).problems == (UNREADABLE,)


def test_the_order_of_keys_and_the_time_of_reading_do_not_change_what_was_understood():
    referral = a_referral(persons=[a_person(nik=a_nik())])
    turned = dict(reversed(referral.items()))
    assert read_submission(referral, NOW).content == read_submission(turned, datetime(2036, 1, 1, tzinfo=UTC)).content
    assert read_submission(referral, NOW).content != read_submission(referral | {"narrative": "Lain."}, NOW).content


JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.integers(), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12)  # fmt: skip
KEYS = (
    "reference",
    "urgency",
    "callback",
    "area",
    "area_kind",
    "persons",
    "violence_types",
    "ppks",
    "occurred_at",
    "narrative",
    "screen",
    "channel",
    "reporter",
    "post",
    "heard_at",
)


@UNHURRIED
@given(st.dictionaries(st.sampled_from(KEYS), JSON))
def test_nothing_that_is_sent_breaks_the_reading_and_every_problem_can_be_told(changes):
    reading = read_submission(a_referral() | changes, NOW)
    assert reading.referral is not None or reading.problems
    for field, code in reading.problems:
        Problem(field=field, code=ProblemCode(code))


@UNHURRIED
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reading(body):
    assert read_submission(body, NOW).referral is None
