"""A new house, and where a house is: told to those who place, each look recorded, and never shown where it is changed."""

from functools import partial
from typing import Any
from uuid import UUID

from chassis import RefusedError
from chassis.web.pages import Sent, Visit, forms
from chassis.web.pages.forms import Form, Question
from chassis.web.pages.visit import Visiting
from contracts.vocabulary import Need
from fastapi import Response

from placement import policy
from placement.api import shelters
from placement.api.shelter_views import AddressView, ShelterBody, ShelterChange, ShelterView
from placement.pages import pages
from placement.pages.house import new_id, population, unit_entered

router = pages.router
AT = "/shelters/{shelter_id}/address"
# The kinds of homes that Jakarta has (DOMAIN.md section 4.6).
KINDS = (
    "rumah_aman",
    "psp_korban_kekerasan",
    "panti_transit",
    "panti_balita",
    "panti_anak_pi",
    "panti_anak_pa",
    "panti_remaja",
    "panti_disabilitas",
    "panti_odgj",
    "panti_lansia",
    "rpsa",
    "rptc",
    "shelter_lsm",
    "keluarga_pengganti",
    "hospital",
    "hotel_overflow",
)
PLACES = ("address", "intake_phone")


@router.get("/new-shelter")
async def what_house(visit: Visit) -> Response:
    """What the new house is, and whom it serves."""
    return await _new(visit, None)


@router.post("/new-shelter")
async def add(visit: Sent) -> Response:
    """Register a house; its rooms are added next."""
    shelter_id = new_id(visit, "shelter")
    return await visit.send(
        shelters.add_shelter,
        then=f"shelters/{shelter_id}/rooms?said=house",
        again=_new,
        body=lambda: ShelterBody.model_validate({**_entered(visit), "shelter_id": shelter_id}),
        vault=visit.request.app.state.service.vault,
    )


@router.get(AT)
async def where(shelter_id: UUID, visit: Visit) -> Response:
    """Where it is and how it is called. That somebody looked is recorded."""
    try:
        seen: AddressView | None = await _address(shelter_id, visit)
    except RefusedError as refused:
        if refused.status != 404:  # noqa: PLR2004 - it may have none yet
            raise
        await visit.ask(shelters.see_shelter, shelter_id=shelter_id)
        seen = None
    return visit.show("address.html", shelter_id=shelter_id, seen=seen, keeps=visit.who.has(*policy.KEEP_SHELTERS))


@router.get(AT + "/edit")
async def where_now(shelter_id: UUID, visit: Visit) -> Response:
    """Where it is from now on."""
    return await _change(shelter_id, visit, None)


@router.post(AT + "/edit")
async def move(shelter_id: UUID, visit: Sent) -> Response:
    """Write its address and phone anew, unless somebody changed the house since this form was shown."""
    try:
        known: ShelterView = await visit.ask(shelters.see_shelter, shelter_id=shelter_id)
    except RefusedError as refused:
        return await _change(shelter_id, visit, refused)
    facts = {name: getattr(known, name) for name in ShelterChange.facts()}
    return await visit.send(
        shelters.change_shelter,
        then=f"shelters/{shelter_id}/rooms?said=address",
        again=partial(_change, shelter_id),
        body=lambda: ShelterChange.model_validate({**facts, **{name: visit.field(name) for name in PLACES}}),
        shelter_id=shelter_id,
        vault=visit.request.app.state.service.vault,
        if_match=visit.field("version"),
    )


async def _address(shelter_id: UUID, visit: Visiting) -> AddressView:
    seen: AddressView = await visit.ask(shelters.see_address, shelter_id=shelter_id, vault=visit.request.app.state.service.vault)
    return seen


def _entered(visit: Visiting) -> dict[str, Any]:
    # What was not answered is missed: no house is taken for one whose place may be known because a question was left out.
    flags = {name: {"yes": True, "no": False}.get(visit.field(name) or "") for name in ("secret", "grounds_required")}
    plain = {name: visit.field(name) for name in ("kind", "area", "stay_review_days", *PLACES)}
    return {**unit_entered(visit), **plain, **flags, "accepts_needs": visit.fields("accepts_needs")}


async def _new(visit: Visiting, refused: RefusedError | None) -> Response:
    def say(key: str) -> str:
        return visit.say(key)

    name, *others = population(visit, None)
    sure = [("yes", say("shelter.yes")), ("no", say("shelter.no"))]
    questions = [
        name,
        Question("choose", "kind", say("house.kind"), [(kind, say(f"kind.{kind}")) for kind in KINDS]),
        Question("radios", "secret", say("house.secret"), sure, hint=say("house.secret_hint")),
        Question("line", "area", say("house.area"), hint=say("door.area_hint")),
        *others,
        Question("checks", "accepts_needs", say("shelter.accepts_needs"), [(need.value, say(f"need.{need.value}")) for need in Need]),
        Question("number", "stay_review_days", say("shelter.stay_review_days"), value="14"),
        Question("radios", "grounds_required", say("house.grounds"), sure, "no"),
        Question("line", "address", say("address.address"), hint=say("address.hint")),
        Question("line", "intake_phone", say("address.phone")),
    ]
    return forms.show(visit, Form(say("house.new"), questions, say("shelter.save"), "new-shelter", "beds"), refused)


async def _change(shelter_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    known: ShelterView = await visit.ask(shelters.see_shelter, shelter_id=shelter_id)
    labels = {"address": visit.say("address.address"), "intake_phone": visit.say("address.phone")}
    both: list[tuple[str, str, str]] = []
    if refused is not None and "current" in refused.members and visit.who.has(*policy.SEE_ADDRESS):
        stored = await _address(shelter_id, visit)
        both = [(labels[name], getattr(stored, name), visit.field(name) or "") for name in PLACES]
    questions = [
        Question("line", "address", labels["address"], hint=visit.say("address.keep_hint")),
        Question("line", "intake_phone", labels["intake_phone"], hint=visit.say("address.keep_hint")),
    ]
    at = f"shelters/{shelter_id}"
    hidden = [("version", str(known.version))]
    form = Form(visit.say("address.edit"), questions, visit.say("shelter.save"), f"{at}/address/edit", f"{at}/rooms", both=both, hidden=hidden)
    return forms.show(visit, form, refused)
