"""What the public hears of a month: once, when it is over, and nobody is found in it."""

from datetime import timedelta

from tests.flows.people import ok
from tests.intake.builders import a_person, a_referral
from tests.intake.sharing import POLICE
from tests.intake.test_service_simfoni import this_month
from tests.rig import Rig


async def test_a_month_is_published_once_when_it_is_over_whoever_comes_first(rig: Rig) -> None:
    await rig.start("intake", public_counts_seconds=0.05)
    month = this_month()
    for number, area in enumerate(["31.74.01"] * 7 + ["31.71.01"] * 6 + ["31.75.01"] * 2 + ["31.72.01"] * 3):
        body = a_referral(reference=f"P-{number}", persons=[a_person(sex="female", age=30)], area=area)
        ok(await rig.post("intake", "/reports", json=body, **POLICE))
    await rig.settle()
    assert [kind for kind, _, _ in await rig.facts("intake") if kind.startswith("public.")] == [], "not before it is over"
    rig.services["intake"].database.skew += timedelta(days=32)
    await rig.replicate("intake")

    async def published() -> bool:
        return bool((await rig.clients["intake"].get("/public/counts")).json())

    await rig.until(published)
    await rig.settle()
    ((_, _, said),) = [fact for fact in await rig.facts("intake") if fact[0].startswith("public.")]
    counts = {(entry["city"], entry["sex"]): entry["victims"] for entry in said["counts"]}
    assert (said["month"], said["small"]) == (month, 5)
    assert (counts["31.74", "female"], counts["31.71", None], counts[None, None]) == (7, 6, 18)
    assert {counts["31.75", "female"], counts["31.72", "female"]} == {None}
    assert all(victims is None or victims == 0 or victims >= 5 for victims in counts.values())
    answer = (await rig.clients["intake"].get("/public/counts")).json()
    assert [(entry["month"], entry["counts"]) for entry in answer] == [(month, said["counts"])]
    message = await rig.nats.jetstream().get_msg("PUBLIC", 1)
    assert message.subject == "public.victims_counted.v1"
