"""Where an officer is reached beside her inbox: by e-mail, on the phone. Her own, set by herself, read by nobody else."""

from http import HTTPStatus
from typing import Any

from chassis import RefusedError
from chassis.web.pages import Sent, Visit
from chassis.web.pages.forms import Form, Question, show
from chassis.web.pages.visit import Visiting
from fastapi import Response

from notifications.channels import officers, phones
from notifications.channels.officers import EmailBody
from notifications.channels.phones import PhoneBody
from notifications.messages import Language
from notifications.pages import pages
from notifications.pages.lists import options

router = pages.router


@router.get("/me/email")
async def email(visit: Visit) -> Response:
    """Her address."""
    return await _email(visit, None)


@router.post("/me/email")
async def set_email(visit: Sent) -> Response:
    """Hear by e-mail."""
    told = {"address": visit.field("address"), "language": visit.field("language")}
    return await visit.send(
        officers.set_email, then="preferences?said=reached", again=_email, body=lambda: EmailBody.model_validate(told), vault=_vault(visit)
    )


@router.post("/me/email/remove")
async def unset_email(visit: Sent) -> Response:
    """Hear nothing by e-mail any more."""
    return await visit.send(officers.unset_email, then="preferences?said=unreached", again=_email)


@router.get("/me/phone")
async def phone(visit: Visit) -> Response:
    """Her number."""
    return await _phone(visit, None)


@router.post("/me/phone")
async def set_phone(visit: Sent) -> Response:
    """Hear on the phone."""
    told = {name: visit.field(name) for name in ("channel", "number", "language")}
    return await visit.send(
        phones.set_phone, then="preferences?said=reached", again=_phone, body=lambda: PhoneBody.model_validate(told), vault=_vault(visit)
    )


@router.post("/me/phone/remove")
async def unset_phone(visit: Sent) -> Response:
    """Hear nothing on the phone any more."""
    return await visit.send(phones.unset_phone, then="preferences?said=unreached", again=_phone)


async def _email(visit: Visiting, refused: RefusedError | None) -> Response:
    kept = await kept_or_none(visit, officers.own_email)
    asked = [Question("line", "address", visit.say("field.address"), value=kept.address if kept else None, hint=visit.say("mine.sealed_hint"))]
    return await _form("email", asked, kept, visit, refused)


async def _phone(visit: Visiting, refused: RefusedError | None) -> Response:
    kept = await kept_or_none(visit, phones.own_phone)
    asked = [
        Question(
            "radios", "channel", visit.say("field.channel"), options(visit.language, "channel", ("sms", "whatsapp")), kept.channel if kept else None
        ),
        Question("line", "number", visit.say("field.number"), value=kept.number if kept else None, hint=visit.say("mine.sealed_hint")),
    ]
    return await _form("phone", asked, kept, visit, refused)


async def _form(name: str, asked: list[Question], kept: Any, visit: Visiting, refused: RefusedError | None) -> Response:
    language = kept.language.value if kept else visit.language.value
    questions = [*asked, Question("radios", "language", visit.say("field.language"), options(visit.language, "language", Language), language)]
    title, at = visit.say(f"mine.{name}_title"), f"me/{name}"
    form = Form(title, questions, visit.say("act.save"), at, "preferences", told=[visit.say("mine.reached_hint")])
    if kept is None:
        return show(visit, form, refused)
    names = {question.name: question.title for question in questions}
    return visit.show("reached.html", refused=refused, asked=form, names=names, remove=f"{at}/remove")


async def kept_or_none(visit: Visiting, route: Any) -> Any:
    """What she set; None where she set nothing."""
    try:
        return await visit.ask(route, vault=_vault(visit))
    except RefusedError as refused:
        if refused.status != HTTPStatus.NOT_FOUND:
            raise
        return None


def _vault(visit: Visiting) -> Any:
    return visit.request.app.state.service.vault
