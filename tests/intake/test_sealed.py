"""A sealed message says exactly what the same one says in the clear, and nothing at all to who has not the key."""

import json
from datetime import UTC, datetime

from contracts.vocabulary import ProblemCode
from hypothesis import given, settings
from hypothesis import strategies as st
from intake.reading import read_submission
from intake.sealed import bodies
from intake.sealed.bodies import Opened, Shut, open_sealed, seal
from intake.sealed.taking import INSIDE
from joserfc.jwk import OKPKey

from tests.intake.builders import a_referral

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
KEY, OTHER = OKPKey.generate_key("X25519"), OKPKey.generate_key("X25519")
PUBLIC = {**KEY.as_dict(private=False), "kid": "k1"}
FIELDS = st.sampled_from(["urgency", "callback", "persons", "area", "narrative", "violence_types", "occurred_at", "reference", "screen"])
ANYTHING = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=20), lambda inner: st.lists(inner, max_size=3), max_leaves=5)
HOSTILE = st.dictionaries(FIELDS, ANYTHING).map(lambda wrong: json.dumps({**a_referral(reference="R-1"), **wrong}).encode()) | st.binary(max_size=200)


@settings(deadline=None)
@given(HOSTILE)
def test_whatever_is_inside_is_read_as_if_it_had_come_in_the_clear(body):
    message = json.dumps({"sealed": seal(body, PUBLIC, agency="polda-ppa")})
    found = open_sealed(message.encode(), "polda-ppa", {"k1": KEY}, INSIDE)
    assert isinstance(found, Opened)
    assert (found.type, found.body) == ("referral.submitted.v1", body)
    assert open_sealed(json.loads(message), "polda-ppa", {"k1": KEY}, INSIDE) == found
    assert read_submission(found.body, NOW) == read_submission(body, NOW)


@settings(deadline=None)
@given(st.binary(max_size=300) | st.text(alphabet="eyJ.AB-_", max_size=60).map(lambda text: json.dumps({"sealed": text}).encode()))
def test_bytes_that_are_no_sealed_message_are_shut_with_a_field_and_never_an_error(body):
    found = open_sealed(body, "polda-ppa", {"k1": KEY}, INSIDE)
    assert isinstance(found, Shut)
    assert not found.held or found.kid is not None


@settings(deadline=None)
@given(st.integers(0, 400), st.sampled_from("ABCxyz019-_"))
def test_one_sign_that_is_changed_on_the_way_opens_nothing_else(place, sign):
    good = seal(b'{"reference": "R-1"}', PUBLIC)
    place %= len(good)
    changed = good[:place] + sign + good[place + 1 :]
    found = open_sealed({"sealed": changed}, "polda-ppa", {"k1": KEY}, INSIDE)
    # The last sign of a part may hold bits that mean nothing; then it is the same message.
    assert isinstance(found, Shut) or found.body == b'{"reference": "R-1"}'


def test_who_has_another_key_opens_nothing():
    message = {"sealed": seal(b"{}", PUBLIC), "reference": "R-1"}
    assert open_sealed(message, "a-b", {"k2": OTHER}, INSIDE) == Shut(("sealed", ProblemCode.UNKNOWN_KEY), "R-1", "k1", held=True)
    assert open_sealed(message, "a-b", {"k1": OTHER}, INSIDE) == Shut(("sealed", ProblemCode.UNOPENABLE), "R-1")


def test_a_message_of_another_agency_and_a_sealed_one_in_a_sealed_one_are_not_taken():
    stolen = {"sealed": seal(b"{}", PUBLIC, agency="dppapp")}
    assert open_sealed(stolen, "polda-ppa", {"k1": KEY}, INSIDE).problem == ("sealed", ProblemCode.WRONG_AGENCY)
    nested = {"sealed": seal(json.dumps(stolen).encode(), PUBLIC, type="referral.sealed.v1")}
    assert open_sealed(nested, "polda-ppa", {"k1": KEY}, INSIDE).problem == ("sealed", ProblemCode.UNKNOWN_TYPE)


def test_the_longest_body_that_is_read_can_be_sealed_too():
    body = b'{"narrative": "' + b"x" * 250_000 + b'"}'
    assert open_sealed({"sealed": seal(body, PUBLIC)}, "a-b", {"k1": KEY}, INSIDE) == Opened(bodies.SUBMITTED, body)
