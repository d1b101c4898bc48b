"""What is in a shelter: its units and rooms, each with its beds, as those see it and change it who keep the register."""

from functools import partial
from typing import Any
from uuid import UUID, uuid5

from chassis import FieldProblem, RefusedError, not_found
from chassis.web.pages import Sent, Visit, forms
from chassis.web.pages.forms import Form, Question
from chassis.web.pages.visit import Visiting, read
from contracts.vocabulary import Sex
from fastapi import Response

from placement import policy
from placement.api import inventory, shelters
from placement.api.inventory_views import BedBoard, UnitChoice
from placement.api.shelter_views import RoomBody, RoomFacts, RoomView, ShelterView, UnitBody, UnitFacts, UnitView
from placement.pages import pages

router = pages.router
AT = "/shelters/{shelter_id}"
# What is added by a form has an id that follows from the form's key: sent again it is the same thing.
ADDED = UUID("5f0c9a4e-3d0e-5b77-9a0e-6f5f6b5a1c11")
FEATURES = ("family", "accessible", "isolation")
AGES = ("min_age", "max_age", "boys_max_age")
MOST_BEDS = 20
BOTH_SEXES = (Sex.FEMALE, Sex.MALE)


@router.get(AT + "/rooms")
async def rooms(shelter_id: UUID, visit: Visit) -> Response:
    """The units and rooms of a shelter."""
    seen: ShelterView = await visit.ask(shelters.see_shelter, shelter_id=shelter_id)
    of_unit = [(unit, [room for room in seen.rooms if room.unit_id == unit.unit_id]) for unit in seen.units]
    alone = [room for room in seen.rooms if room.unit_id is None]
    can = {"keep": visit.who.has(*policy.KEEP_SHELTERS), "address": visit.who.has(*policy.SEE_ADDRESS)}
    return visit.show("rooms.html", seen=seen, of_unit=of_unit, alone=alone, can=can, features=FEATURES)


# -- rooms ----------------------------------------------------------------------------------------------------------------------------


@router.get(AT + "/rooms/new")
async def what_room(shelter_id: UUID, visit: Visit) -> Response:
    """What the new room is."""
    return await _room_form(shelter_id, None, visit, None)


@router.post(AT + "/rooms/new")
async def add_room(shelter_id: UUID, visit: Sent) -> Response:
    """Add a room with its beds."""
    added = partial(new_id, visit)
    return await visit.send(
        inventory.add_room,
        then=f"shelters/{shelter_id}/rooms/{added('room')}?said=room",
        again=partial(_room_form, shelter_id, None),
        body=lambda: RoomBody.model_validate(
            {
                **_room_entered(visit),
                "room_id": added("room"),
                "unit_id": visit.field("unit_id"),
                "beds": [added(f"bed:{n}") for n in range(_beds(visit))],
            }
        ),
        shelter_id=shelter_id,
    )


@router.get(AT + "/rooms/{room_id}")
async def see_room(shelter_id: UUID, room_id: UUID, visit: Visit) -> Response:
    """A room with its beds and the state of each."""
    return await show_room(shelter_id, room_id, visit, None)


@router.get(AT + "/rooms/{room_id}/edit")
async def edit_room(shelter_id: UUID, room_id: UUID, visit: Visit) -> Response:
    """A room as it is, to be changed."""
    return await _room_form(shelter_id, room_id, visit, None)


@router.post(AT + "/rooms/{room_id}/edit")
async def change_room(shelter_id: UUID, room_id: UUID, visit: Sent) -> Response:
    """Change what a room is, and which unit it is in."""
    try:
        body = read(lambda: RoomFacts.model_validate(_room_entered(visit)))
        unit = read(lambda: UnitChoice.model_validate({"unit_id": visit.field("unit_id")}))
        await visit.tell(inventory.change_room, part="facts", room_id=room_id, body=body)
        await visit.tell(inventory.put_room_into_unit, part="unit", room_id=room_id, body=unit)
    except RefusedError as refused:
        return await _room_form(shelter_id, room_id, visit, refused)
    return visit.go(f"shelters/{shelter_id}/rooms/{room_id}", said="room")


@router.post(AT + "/rooms/{room_id}/remove")
async def drop_room(shelter_id: UUID, room_id: UUID, visit: Sent) -> Response:
    """Remove a room that has no bed."""
    again = partial(show_room, shelter_id, room_id)
    return await visit.send(inventory.drop_room, then=f"shelters/{shelter_id}/rooms?said=removed", again=again, room_id=room_id)


async def show_room(shelter_id: UUID, room_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    """The page of a room, with what was refused on it."""
    room = await _room(shelter_id, room_id, visit)
    board: BedBoard = await visit.ask(inventory.bed_board, shelter_id=shelter_id)
    beds = [bed for bed in board.beds if bed.room_id == room_id]
    can = {"keep": visit.who.has(*policy.KEEP_SHELTERS), "overflow": visit.who.has(*policy.APPROVE_OVERFLOW)}
    return visit.show("room.html", refused=refused, shelter_id=shelter_id, room=room, beds=beds, can=can, features=FEATURES)


def _room_entered(visit: Visiting) -> dict[str, Any]:
    return {"name": visit.field("name"), **{feature: feature in visit.fields("features") for feature in FEATURES}}


def _beds(visit: Visiting) -> int:
    entered = visit.field("beds") or "0"
    if not entered.isdigit() or int(entered) > MOST_BEDS:
        raise RefusedError(422, "so many beds are no room's", [FieldProblem("beds", "invalid")])
    return int(entered)


async def _room(shelter_id: UUID, room_id: UUID, visit: Visiting) -> RoomView:
    seen: ShelterView = await visit.ask(shelters.see_shelter, shelter_id=shelter_id)
    found = next((room for room in seen.rooms if room.room_id == room_id), None)
    if found is None:
        raise not_found("room")
    return found


async def _room_form(shelter_id: UUID, room_id: UUID | None, visit: Visiting, refused: RefusedError | None) -> Response:
    seen: ShelterView = await visit.ask(shelters.see_shelter, shelter_id=shelter_id)
    known = await _room(shelter_id, room_id, visit) if room_id else None
    has = [feature for feature in FEATURES if known is not None and getattr(known, feature)]
    units = [(str(unit.unit_id), unit.name) for unit in seen.units]
    questions = [
        Question("line", "name", visit.say("house.name"), value=known.name if known else None),
        Question("checks", "features", visit.say("room.features"), [(feature, visit.say(f"room.{feature}")) for feature in FEATURES], has),
    ]
    if units:
        at_first = str(known.unit_id) if known and known.unit_id else None
        questions.append(Question("choose", "unit_id", visit.say("room.unit"), units, at_first, visit.say("room.unit_hint")))
    if known is None:
        questions.append(Question("number", "beds", visit.say("room.beds"), value="1"))
    at = f"shelters/{shelter_id}/rooms"
    here = f"{at}/{room_id}" if known else at
    title = visit.say("room.edit" if known else "room.new")
    return forms.show(visit, Form(title, questions, visit.say("shelter.save"), f"{here}/edit" if known else f"{at}/new", here), refused)


# -- units ----------------------------------------------------------------------------------------------------------------------------


@router.get(AT + "/units/new")
async def what_unit(shelter_id: UUID, visit: Visit) -> Response:
    """Whom the new unit serves."""
    return await _unit_form(shelter_id, None, visit, None)


@router.post(AT + "/units/new")
async def add_unit(shelter_id: UUID, visit: Sent) -> Response:
    """Add a unit; rooms are put into it."""
    return await visit.send(
        inventory.add_unit,
        then=f"shelters/{shelter_id}/rooms?said=unit",
        again=partial(_unit_form, shelter_id, None),
        body=lambda: UnitBody.model_validate({**unit_entered(visit), "unit_id": new_id(visit, "unit")}),
        shelter_id=shelter_id,
    )


@router.get(AT + "/units/{unit_id}/edit")
async def edit_unit(shelter_id: UUID, unit_id: UUID, visit: Visit) -> Response:
    """A unit as it is, to be changed."""
    return await _unit_form(shelter_id, unit_id, visit, None)


@router.post(AT + "/units/{unit_id}/edit")
async def change_unit(shelter_id: UUID, unit_id: UUID, visit: Sent) -> Response:
    """Change a unit, unless somebody did since this form was shown."""
    return await visit.send(
        inventory.change_unit,
        then=f"shelters/{shelter_id}/rooms?said=unit",
        again=partial(_unit_form, shelter_id, unit_id),
        body=lambda: UnitFacts.model_validate(unit_entered(visit)),
        unit_id=unit_id,
        if_match=visit.field("version"),
    )


@router.post(AT + "/units/{unit_id}/remove")
async def drop_unit(shelter_id: UUID, unit_id: UUID, visit: Sent) -> Response:
    """Remove a unit that has no room."""
    again = partial(_unit_form, shelter_id, unit_id)
    return await visit.send(inventory.drop_unit, then=f"shelters/{shelter_id}/rooms?said=removed", again=again, unit_id=unit_id)


async def _unit_form(shelter_id: UUID, unit_id: UUID | None, visit: Visiting, refused: RefusedError | None) -> Response:
    seen: ShelterView = await visit.ask(shelters.see_shelter, shelter_id=shelter_id)
    known: UnitView | None = next((unit for unit in seen.units if unit.unit_id == unit_id), None)
    if unit_id is not None and known is None:
        raise not_found("unit")
    at = f"shelters/{shelter_id}"
    form = Form(
        visit.say("unit.edit" if known else "unit.new"),
        population(visit, known),
        visit.say("shelter.save"),
        f"{at}/units/{unit_id}/edit" if known else f"{at}/units/new",
        f"{at}/rooms",
        both=both_values(visit, refused, ("name", "sexes", *AGES)),
        hidden=[("version", str(known.version))] if known else [],
    )
    return forms.show(visit, form, refused)


# -- what several forms ask -----------------------------------------------------------------------------------------------------------


def new_id(visit: Visiting, what: str) -> UUID:
    """The id of what a form adds: of one form always the same."""
    return uuid5(ADDED, f"{visit.who.subject}:{visit.field('key')}:{what}")


def population(visit: Visiting, known: Any) -> list[Question]:
    """What is asked about a house or a unit: its name, and whom it serves; `known` is what it is now, if it is."""
    sexes = [(sex.value, visit.say(f"sex.{sex.value}")) for sex in BOTH_SEXES]
    at_first = {"min_age": 0, "max_age": 120}
    return [
        Question("line", "name", visit.say("house.name"), value=known and known.name),
        Question("checks", "sexes", visit.say("house.sexes"), sexes, list(known.sexes) if known else None),
        *(Question("number", age, visit.say(f"shelter.{age}"), value=getattr(known, age) if known else at_first.get(age)) for age in AGES),
    ]


def unit_entered(visit: Visiting) -> dict[str, Any]:
    """What was entered of a name and a population."""
    return {"name": visit.field("name"), "sexes": visit.fields("sexes"), **{age: visit.field(age) for age in AGES}}


def both_values(visit: Visiting, refused: RefusedError | None, names: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """After a conflict what is stored and what was entered, where they differ."""
    if refused is None or "current" not in refused.members:
        return []
    theirs, mine = refused.members["current"], refused.members["sent"]
    labels = {"name": visit.say("house.name"), "sexes": visit.say("house.sexes"), **{age: visit.say(f"shelter.{age}") for age in AGES}}
    return [
        (labels[name], _text(theirs[name], visit), _text(mine[name], visit))
        for name in names
        if _text(theirs[name], visit) != _text(mine[name], visit)
    ]


def _text(value: Any, visit: Visiting) -> str:
    match value:
        case None:
            return visit.say("shelter.nothing")
        case str() | int():
            return str(value)
        case _:
            return ", ".join(visit.say(f"sex.{sex}") for sex in sorted(value))
