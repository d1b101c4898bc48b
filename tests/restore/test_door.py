"""Intake loses an hour in which agencies said more of a case and sealed something to a key that was lost: a desk asks each of them again."""

import json

import pytest
from intake.sealed import bodies
from joserfc.jwk import OKPKey

from tests.flows.people import a_referral, platform, refer
from tests.restore.loss import agrees_with_the_streams, backed_up, lose_since, tasks
from tests.rig import Rig

pytestmark = pytest.mark.timeout(300)


async def test_messages_of_the_lost_hour_are_listed_for_people_and_their_references_known_again(rig: Rig) -> None:
    await platform(rig)
    case = await refer(rig, a_referral("BEFORE", shelter=False))
    folder = await backed_up(rig, "intake")
    addition = json.dumps({"reference": "MORE", "to": "BEFORE", "narrative": "Canary Contoh"}).encode()
    await rig.publish("referral.dppapp.added.v1", addition)
    public = {**OKPKey.generate_key("X25519").as_dict(private=False), "kid": "20260101T000000Z-00000000"}
    sealed = {"sealed": bodies.seal(b"{}", public), "reference": "SEALED"}
    await rig.publish("referral.dppapp.sealed.v1", json.dumps(sealed).encode())
    await rig.settle()
    assert len(await rig.sql("intake", "SELECT 1 FROM held_message")) == 1

    await lose_since(rig, "intake", folder)

    assert sorted(missing for _, missing in await tasks(rig, "intake")) == ["held_message", "later_message"]
    asked = await rig.sql("intake", "SELECT kind, case_id, reference FROM desk_task WHERE done_at IS NULL ORDER BY kind")
    assert [(row.kind, row.case_id, row.reference) for row in asked] == [("incomplete", case, "MORE"), ("rejected", None, "SEALED")]
    await rig.publish("referral.dppapp.added.v1", addition)
    await rig.settle()
    receipts = [(kind, data["reference"]) for kind, _, data in await rig.facts("intake") if kind.startswith("receipt.")]
    assert receipts[-1] == ("receipt.accepted.v1", "MORE")
    await agrees_with_the_streams(rig, "intake")
