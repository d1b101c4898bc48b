"""Invented households follow the published figures, name nobody, and are the same for the same seed."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID, uuid5

import pytest
from contracts.agencies import Referral
from contracts.areas import CITIES, DISTRICTS, DISTRICTS_OF
from contracts.vocabulary import Need, Sex
from ops.identities import NAMESPACE
from ops.population import CANARY_ADDRESS, CANARY_NAME, CANARY_NIK, CANARY_PHONE, PERSONAL_FIELDS, Submission, draw_households
from ops.seed import demo_shelters
from pydantic import ValidationError

from ops import population_figures as figures

MANY = 20_000
CANARIES = (CANARY_NAME, CANARY_PHONE, CANARY_NIK, CANARY_ADDRESS)
NEEDS = {need.value for need in Need}
SHELTER_KINDS = {
    "rumah_aman", "psp_korban_kekerasan", "panti_transit", "panti_balita", "panti_anak_pi", "panti_anak_pa", "panti_remaja",
    "panti_disabilitas", "panti_odgj", "panti_lansia", "rpsa", "rptc", "shelter_lsm",
}  # fmt: skip


@pytest.fixture(scope="module")
def draw() -> list[Submission]:
    return draw_households(7, MANY)


@pytest.fixture(scope="module")
def originals(draw: list[Submission]) -> list[Submission]:
    return [submission for submission in draw if submission.duplicate_of is None]


@pytest.fixture(scope="module")
def violence(originals: list[Submission]) -> list[Submission]:
    return [submission for submission in originals if submission.kind == "violence" and submission.malformed is None]


def near(part: float, whole: float, share: float, tolerance: float = 0.015) -> None:
    assert part / whole == pytest.approx(share, abs=tolerance)


def shares_are(found: Counter[Any], weights: Mapping[Any, float]) -> None:
    assert set(found) <= set(weights)
    for key, weight in weights.items():
        near(found[key], found.total(), weight / sum(weights.values()))


def shelter_needed(submission: Submission) -> bool:
    return bool(submission.referral.get("screen", {}).get("shelter_needed"))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, str(value)


def test_the_same_seed_draws_the_same_and_another_seed_draws_others() -> None:
    assert draw_households(1, 300) == draw_households(1, 300)
    assert draw_households(1, 300) != draw_households(2, 300)


def test_a_shorter_draw_is_the_beginning_of_a_longer_one() -> None:
    assert draw_households(1, 300)[:100] == draw_households(1, 100)
    assert draw_households(1, 0) == []


def test_what_is_not_malformed_is_a_valid_referral(draw: list[Submission]) -> None:
    for submission in draw:
        if submission.malformed is None:
            referral = Referral.model_validate_json(json.dumps(submission.referral))
            assert referral.persons
            assert referral.area in DISTRICTS
            assert referral.narrative
            assert referral.violence_types or referral.ppks


def test_unreadable_ones_are_refused_and_incomplete_ones_keep_what_is_mandatory(draw: list[Submission]) -> None:
    for submission in draw:
        told = submission.referral
        mandatory = {name: told[name] for name in ("reference", "urgency", "callback") if name in told}
        if submission.malformed == "unreadable":
            with pytest.raises(ValidationError):
                Referral.model_validate(mandatory)
        else:
            Referral.model_validate(mandatory)


def test_references_are_unique_per_agency_but_for_duplicates(originals: list[Submission]) -> None:
    told = [(one.agency, one.referral["reference"]) for one in originals if one.malformed != "unreadable"]
    assert len(told) == len(set(told))
    assert all(re.fullmatch(rf"{agency.upper()}-2026-\d{{6}}", reference) for agency, reference in told)
    later = draw_households(8, 50, first_number=50_001)
    assert not {(one.agency, one.referral.get("reference")) for one in later} & set(told)


def test_a_duplicate_is_an_earlier_original_sent_again(draw: list[Submission]) -> None:
    for position, submission in enumerate(draw):
        if submission.duplicate_of is not None:
            original = draw[submission.duplicate_of]
            assert submission.duplicate_of < position
            assert original.duplicate_of is None
            assert submission.referral == original.referral
            assert submission.referral is not original.referral
            assert (submission.agency, submission.door, submission.story) == (original.agency, original.door, original.story)


def test_shares_are_as_asked(draw: list[Submission], originals: list[Submission]) -> None:
    near(len(draw) - len(originals), MANY, 0.08)
    near(sum(one.kind == "street" for one in originals), len(originals), 0.25)
    near(sum(one.malformed is not None for one in originals), len(originals), 0.03, 0.005)
    near(sum(shelter_needed(one) for one in originals), len(originals), 0.05, 0.006)


def test_shares_can_be_set() -> None:
    draw = draw_households(3, 2000, shelter_share=1, ppks_share=0, duplicate_share=0, malformed_share=0)
    assert all(shelter_needed(one) and one.kind == "violence" for one in draw)
    assert all(one.malformed is None and one.duplicate_of is None for one in draw)
    none = draw_households(3, 2000, shelter_share=0, ppks_share=1)
    assert not any(shelter_needed(one) or one.kind == "violence" for one in none)


def test_areas_are_as_published(violence: list[Submission]) -> None:
    shares_are(Counter(one.referral["area"][:5] for one in violence), figures.CITY_CASES)
    east = Counter(one.referral["area"] for one in violence if one.referral["area"].startswith("31.75."))
    shares_are(east, dict.fromkeys(DISTRICTS_OF["31.75"], 1))


def test_victims_are_as_published(violence: list[Submission]) -> None:
    victims = [one.referral["persons"][0] for one in violence]
    groups = Counter("woman" if who["age"] >= 18 else "girl" if who["sex"] == "female" else "boy" for who in victims)
    shares_are(groups, figures.VICTIMS)
    assert all(who["sex"] == "female" for who in victims if who["age"] >= 18)
    children = Counter(next(band for band in figures.AGE_BANDS if who["age"] <= band[1]) for who in victims if who["age"] < 18)
    shares_are(children, {band: share for band, share in figures.AGE_BANDS.items() if band[1] < 18})


def test_violence_types_are_as_published_and_several(violence: list[Submission]) -> None:
    found = Counter(kind for one in violence for kind in one.referral["violence_types"])
    for kind, share in figures.VIOLENCE_SHARES.items():
        near(found[kind], len(violence), share)
    near(found.total(), len(violence), 1.39, 0.04)
    assert all(one.referral["violence_types"] for one in violence)


def test_relations_are_as_published(violence: list[Submission]) -> None:
    told = Counter(one.referral["narrative"].removeprefix("Terlapor: ").split(".")[0] for one in violence)
    shares_are(told, figures.RELATIONS)


def test_channels_of_the_upt_are_as_published(violence: list[Submission]) -> None:
    shares_are(Counter(one.referral["channel"] for one in violence if one.agency == "dppapp"), figures.CHANNELS)


def test_urgency_of_those_who_need_no_shelter_is_as_assumed(violence: list[Submission]) -> None:
    shares_are(Counter(one.referral["urgency"] for one in violence if not shelter_needed(one)), figures.URGENCY)


def test_who_needs_shelter_says_why_and_often_comes_with_family(violence: list[Submission]) -> None:
    sheltered = [one for one in violence if shelter_needed(one)]
    assert all(one.referral["screen"]["shelter_grounds"] for one in sheltered)
    mothers = [one for one in violence if one.referral["persons"][0]["age"] in figures.MOTHERS_AGES]
    with_children = sum(len(one.referral["persons"]) > 1 for one in mothers)
    near(with_children, len(mothers), figures.WOMAN_WITH_CHILDREN_SHARE, 0.03)


@pytest.mark.parametrize("province", ["00", "99"])
def test_no_nik_can_be_anybodys(province: Any) -> None:
    persons = [who for one in draw_households(5, 3000, nik_province=province) for who in one.referral["persons"]]
    numbers = [who["nik"] for who in persons if "nik" in who]
    near(len(persons) - len(numbers), len(persons), figures.NO_NIK_SHARE, 0.02)
    assert all(number.startswith(province) or number[:2] == "00" for number in numbers)


def test_phones_and_addresses_are_nobodys(draw: list[Submission]) -> None:
    for one in draw:
        for who in one.referral["persons"]:
            assert re.fullmatch(r"\+62 000 \d{4} \d{4}", who.get("phone", CANARY_PHONE))
            assert who.get("address", CANARY_ADDRESS).startswith("Jalan Contoh ")


def test_canaries_are_in_personal_fields_only_and_in_malformed_ones_too(draw: list[Submission]) -> None:
    with_canary = []
    for one in draw:
        found = {path for path, value in leaves(one.referral) if any(canary in value for canary in CANARIES)}
        assert found <= PERSONAL_FIELDS
        if found:
            with_canary.append(one)
    assert 0 < len(with_canary) < MANY / 50
    assert {one.malformed for one in with_canary} == {None, "incomplete", "unreadable"}
    assert CANARY_NAME in json.dumps(draw_households(11, 1)[0].referral)


def test_there_are_44_kecamatan_in_6_cities() -> None:
    assert (len(CITIES), len(DISTRICTS)) == (6, 44)
    assert [len(DISTRICTS_OF[city]) for city in CITIES] == [2, 8, 6, 8, 10, 10]


def test_demo_shelters_are_invented_and_whole() -> None:
    shelters = demo_shelters()
    for shelter in shelters:
        assert shelter["kind"] in SHELTER_KINDS
        assert "Contoh" in shelter["name"]
        assert shelter["address"].startswith("Jalan Contoh ")
        assert shelter["intake_phone"].startswith("+62 000 ")
        assert shelter["area"] in DISTRICTS
        assert set(shelter["sexes"]) <= {Sex.FEMALE, Sex.MALE}
        assert set(shelter["accepts_needs"]) <= NEEDS
        assert shelter["min_age"] <= shelter["max_age"]
        assert shelter["grounds_required"] == (shelter["kind"] == "rumah_aman")
        assert "infectious" not in shelter["accepts_needs"] or any(room["isolation"] for room in shelter["rooms"])
        assert "wheelchair" not in shelter["accepts_needs"] or any(room["accessible"] for room in shelter["rooms"])
    assert {shelter["kind"] for shelter in shelters} == SHELTER_KINDS


def test_demo_shelters_have_the_beds_that_jakarta_has() -> None:
    beds = [(shelter["kind"], sum(len(room["beds"]) for room in shelter["rooms"])) for shelter in demo_shelters()]
    safe_houses = [number for kind, number in beds if kind == "rumah_aman"]
    assert len(safe_houses) == 5
    assert all(8 <= number <= 12 for number in safe_houses)
    assert dict(beds)["psp_korban_kekerasan"] == 110
    assert dict(beds)["panti_transit"] == 300


def test_demo_shelters_keep_their_ids() -> None:
    shelters = demo_shelters()
    ids = [shelter["shelter_id"] for shelter in shelters]
    assert ids[0] == str(uuid5(NAMESPACE, "shelter/rumah-aman-1"))
    for shelter in shelters:
        home = UUID(shelter["shelter_id"])
        for room in shelter["rooms"]:
            ids += [room["room_id"], *room["beds"]]
            assert room["room_id"] == str(uuid5(home, room["name"]))
            assert room["beds"] == [str(uuid5(home, f"{room['name']}/{number}")) for number in range(1, len(room["beds"]) + 1)]
    assert len(ids) == len(set(ids))
