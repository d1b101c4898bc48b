"""The inbox and what operators see of deliveries, by the same rules as systems ask."""

from uuid import UUID, uuid4

from tests.flows.people import ok
from tests.notifications import events
from tests.pages.visitor import Visitor
from tests.rig import Rig

SUBSCRIPTION = {"url": "https://agency.example/hook"}


async def told(rig: Rig) -> tuple[UUID, Visitor]:
    """A head is told of an offer."""
    await rig.start("notifications")
    shelter, placement = uuid4(), uuid4()
    await rig.say(events.offered(placement_id=placement, shelter_id=shelter), subject=uuid4())
    await rig.settle()
    return placement, Visitor(rig, "notifications", role="shelter_head", units=[shelter])


async def test_a_notice_opens_the_exact_item_and_is_taken_up_once(rig: Rig) -> None:
    placement, head = await told(rig)
    page = await head.see("inbox")
    assert "Permintaan tempat menunggu jawaban Anda." in page.text
    opened = await head.send("inbox", "/open")
    assert opened.headers["location"] == f"/placement/pages/placements/{placement}"
    form = await head.form("inbox", "/take")
    first, again = await head.post(form.action, form.fields), await head.post(form.action, form.fields)
    assert (first.status_code, again.status_code) == (303, 303)
    assert "Tidak ada pemberitahuan" in (await head.see("inbox")).text


async def test_another_house_sees_nothing_and_a_double_tap_asks_for_one_call(rig: Rig) -> None:
    placement, head = await told(rig)
    other = Visitor(rig, "notifications", role="shelter_head", subject=uuid4(), units=[uuid4()])
    assert "Tidak ada pemberitahuan" in (await other.see("inbox")).text
    form = await head.form(f"placements/{placement}", "/call")
    assert [(await head.post(form.action, form.fields)).status_code for _ in range(2)] == [303, 303]
    stranger = await other.post(form.action, form.fields)
    assert stranger.status_code == 403
    wanted = await rig.sql("notifications", "SELECT count(DISTINCT source) AS n FROM notice WHERE kind = 'call_wanted'")
    assert wanted[0].n == 1


async def test_an_operator_sees_deliveries_and_a_head_does_not(rig: Rig) -> None:
    await rig.start("notifications")
    made = ok(await rig.post("notifications", "/subscriptions", json=SUBSCRIPTION, role="agency_system", agency="dppapp"))
    operator = Visitor(rig, "notifications", role="operator")
    assert "dppapp" in (await operator.see("subscriptions")).text
    assert "Belum ada pengiriman." in (await operator.see(f"subscriptions/{made['id']}/deliveries")).text
    await rig.sql("notifications", "UPDATE subscription SET state = 'disabled'")
    enabled = await operator.send(f"subscriptions/{made['id']}/deliveries", "/enable")
    assert enabled.status_code == 303, enabled.text
    head = Visitor(rig, "notifications", role="shelter_head", units=[uuid4()])
    assert (await head.see("subscriptions")).status_code == 403
