"""What the platform's own configuration grants a site, on the real server: `authorization` with the sites that the operator names."""

import asyncio
import json

import nats
from contracts.streams import SERVICES
from ops.edge import hub, site
from ops.edge.node import Node
from ops.nats_users import authorization
from ops.processes import free_port
from ops.provision import provision
from ops.servers import Nats

AGENCIES = ("dppapp", "polda-ppa")


async def joined(url, user, password, prefix=None):
    async def quiet(_error):
        return

    return await nats.connect(url, user=user, password=password, inbox_prefix=prefix or f"_INBOX_{user}", error_cb=quiet)


async def test_a_site_that_the_operator_names_hands_over_and_hears_through_its_leaf_node(tmp_path):
    (kemayoran,) = told = hub.sites("polda-ppa:kemayoran")
    users = (*SERVICES, "provisioner", *AGENCIES, kemayoran.user)
    leaves = free_port()
    config = authorization({user: f"of-{user}" for user in users}, AGENCIES, told) + hub.listener(f"127.0.0.1:{leaves}", told)
    broker = Nats(tmp_path / "hub", config)
    broker.start()
    made = site.make(
        tmp_path / "site", "polda-ppa:kemayoran", f"nats://127.0.0.1:{leaves}", f"of-{kemayoran.user}",
        call="129", keys_url=None, listen=f"127.0.0.1:{free_port()}",
    )  # fmt: skip
    node = Node(tmp_path / "site")
    try:
        provisioner = await joined(broker.url, "provisioner", "of-provisioner")
        await provision(provisioner.jetstream(), AGENCIES, sites=told)
        node.start()
        agent = await joined(f"nats://{made.facts['listen']}", "agent", made.facts["agent"], f"_INBOX_{kemayoran.user}")
        heard = await agent.subscribe(kemayoran.delivery)
        answer = await handed_over(agent, kemayoran.subject)
        assert (answer["stream"], answer["seq"]) == ("REFERRALS", 1)
        intake = await joined(broker.url, "intake", "of-intake")
        for agency in AGENCIES:
            await intake.jetstream().publish(f"receipt.{agency}.accepted.v1", agency.encode())
        receipt = await heard.next_msg(timeout=10)
        assert (receipt.subject, receipt.data) == ("receipt.polda-ppa.accepted.v1", b"polda-ppa")
        office = await joined(f"nats://{made.facts['listen']}", "office", made.facts["office"], "_INBOX_office")
        stolen = await office.subscribe("receipt.>")
        await office.publish(kemayoran.subject, b"past the queue")
        await office.flush()
        info = await provisioner.jetstream().stream_info("REFERRALS")
        assert info.state.messages == 1, "the office's own user says nothing to the platform but through the queue"
        assert stolen.pending_msgs == 0
        for client in (provisioner, agent, intake, office):
            await client.close()
    finally:
        node.stop()
        broker.kill()


async def handed_over(agent, subject):
    """The platform's answer, as soon as the leaf node has found it."""
    while True:
        try:
            return json.loads((await agent.request(subject, b"{}", timeout=2)).data)
        except nats.errors.Error:
            await asyncio.sleep(0.1)


def test_who_is_no_site_is_not_named():
    assert hub.sites("") == []
    assert hub.listener("127.0.0.1:1", []) == ""
    assert [one.user for one in hub.sites("a-b:cc,aa:b-c")] == ["edge_a-b_cc", "edge_aa_b-c"]
