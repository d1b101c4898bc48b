"""The keys to which agencies seal what they send, for everybody; and how a sealed body over HTTP is opened."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from chassis import Asked, FieldProblem, RefusedError, Transaction, reads_openly
from chassis.store.vault import Vault
from contracts.event import Event
from contracts.vocabulary import ProblemCode
from fastapi import APIRouter
from joserfc.jwk import OKPKey
from pydantic import BaseModel, ConfigDict

from intake.opening import Safe
from intake.reading import read_json
from intake.sealed import keys
from intake.sealed.bodies import FIELD, Shut, is_sealed, open_sealed

Keys = Mapping[str, OKPKey]
UNOPENED = "this sealed message cannot be opened: GET /intake/sealing/keys has the key to seal to"
router = APIRouter(prefix="/sealing", tags=["reports"])


class PublicKeyView(BaseModel):
    """A public key as a JWK (RFC 7517; X25519 as in RFC 8037)."""

    model_config = ConfigDict(extra="forbid")

    kty: str
    crv: str
    x: str
    kid: str
    use: str
    alg: str


class KeySetView(BaseModel):
    """The keys to seal to (a JWK set): take the first."""

    keys: list[PublicKeyView]


@router.get("/keys")
@reads_openly
async def sealing_keys(vault: Safe, tx: Transaction) -> KeySetView:
    """The public key to which an agency seals what it sends. A new one is published from time to time; the ones before go on opening for weeks."""
    found = await keys.to_publish(vault, tx.now, timedelta(hours=tx.settings.sealing_lead_hours))
    return KeySetView(keys=[PublicKeyView.model_validate(key) for key in found])


async def opened_by(vault: Vault, asked: Sequence[Asked[dict[str, Any]]]) -> Keys:
    """The keys that open, where one of these bodies is sealed."""
    return {key.kid: key.private for key in await keys.known(vault)} if any(is_sealed(entry.body) for entry in asked) else {}


def opened(body: dict[str, Any], agency: str, private: Keys, types: Sequence[type[Event]]) -> dict[str, Any] | RefusedError:
    """A body as it is, or what is inside a sealed one of these types; or why it cannot be opened."""
    if not is_sealed(body):
        return body
    found = open_sealed(body, agency, private, {event.type: event for event in types})
    if isinstance(found, Shut):
        field, code = found.problem
        return RefusedError(422, UNOPENED, [FieldProblem(field, code)])
    inside = read_json(found.body)
    return inside if inside is not None else RefusedError(422, UNOPENED, [FieldProblem(FIELD, ProblemCode.UNREADABLE)])
