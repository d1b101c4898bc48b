"""The provisioner: the only owner of streams and durables. It makes what is missing, again and again, and services only bind.

It acts only while the server's full health check is good: a server that starts with a wrong storage key answers, but creating a stream
then destroys what the right key would have opened.
"""

import asyncio
import contextlib
import json
import os
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import nats
import structlog
from chassis import logs
from contracts import streams
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from ops.edge import hub

log = structlog.get_logger()

EVERY = 2.0
ACK_WAIT = 10.0  # seconds until a crashed replica's messages go to another; a slow one's repetition stops at the inbox
MOST_UNACKNOWLEDGED = 5000


def stream_config(stream: streams.Stream, replicas: int) -> StreamConfig:
    """The full configuration of a stream; a partial one would reset what it leaves out."""
    return StreamConfig(
        name=stream.name,
        subjects=list(stream.subjects),
        storage=StorageType.FILE,
        num_replicas=replicas,
        discard=DiscardPolicy.NEW,
        max_bytes=stream.max_bytes,
        max_msgs_per_subject=stream.most_waiting or -1,
        discard_new_per_subject=stream.most_waiting is not None,
        duplicate_window=stream.duplicate_window,
        allow_atomic=True,
        allow_direct=True,
    )


def consumer_config(durable: streams.Durable, ack_wait: float) -> ConsumerConfig:
    """A durable that never gives a message up: attempts that a message causes are counted in the service's store."""
    return ConsumerConfig(
        durable_name=durable.name,
        filter_subjects=list(durable.filters),
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ack_wait,
        max_deliver=-1,
        max_ack_pending=MOST_UNACKNOWLEDGED,
    )


async def provision(
    js: JetStreamContext, agencies: Sequence[str], replicas: int = 1, ack_wait: float = ACK_WAIT, sites: Sequence[hub.Site] = ()
) -> None:
    """Make every stream and durable that is missing, those of agencies and of their sites at the edge included, and bring the others up to their declaration."""
    for stream in streams.STREAMS:
        await _ensure_stream(js, stream_config(stream, replicas))
    durables = [durable for service in streams.SERVICES for durable in streams.durables_of(service)]
    durables += [durable for agency in agencies for durable in streams.durables_of_agency(agency)]
    # Whoever wrote there, on the roster or not: what was acknowledged is taken.
    durables += [streams.lane_of(agency) for agency in sorted({*agencies, *await _waiting_for(js)})]
    for durable in durables:
        await _ensure_durable(js, durable, ack_wait)
    for site in sites:
        await _ensure_durable(js, site.durable, ack_wait, site.delivery)


async def _waiting_for(js: JetStreamContext) -> set[str]:
    """The agencies of which something waits for intake."""
    return {subject.split(".")[1] for subject in (await js.stream_info("REFERRALS", subjects_filter=">")).state.subjects or {}}


async def _ensure_stream(js: JetStreamContext, config: StreamConfig) -> None:
    assert config.name is not None  # noqa: S101 - it always has one; this tells the type checker
    try:
        have = (await js.stream_info(config.name)).config
    except NotFoundError:
        await js.add_stream(config)
        log.warning("stream_made", stream=config.name)
        return
    wanted = (config.subjects, config.max_bytes, config.num_replicas, config.discard, config.max_msgs_per_subject)
    if (have.subjects, have.max_bytes, have.num_replicas, have.discard, have.max_msgs_per_subject) != wanted:
        await js.update_stream(config)
        log.warning("stream_updated", stream=config.name)


async def _ensure_durable(js: JetStreamContext, durable: streams.Durable, ack_wait: float, delivery: str | None = None) -> None:
    try:
        have = (await js.consumer_info(durable.stream, durable.name)).config
    except NotFoundError:
        log.warning("durable_made", stream=durable.stream, durable=durable.name)
    else:
        filters = have.filter_subjects or ([have.filter_subject] if have.filter_subject else [])
        if set(filters) == set(durable.filters):
            return
    config = consumer_config(durable, ack_wait)
    config.deliver_subject = delivery
    await js.add_consumer(durable.stream, config)


async def ailment(monitor_urls: str) -> str:
    """What keeps the brokers from being well, in a few words; nothing if all full health checks that answer are good, and most answer.

    `monitor_urls` is comma-separated. One broker of three may be away: what is missing can be made without it.
    """
    urls = monitor_urls.split(",")
    async with httpx.AsyncClient(timeout=2) as client:
        complaints = await asyncio.gather(*(_complaint(client, url) for url in urls))
    answered = [complaint for complaint in complaints if complaint is not None]
    if 2 * len(answered) <= len(urls):
        return f"{len(answered)} of {len(urls)} brokers answer"
    return next(filter(None, answered), "")


async def _complaint(client: httpx.AsyncClient, url: str) -> str | None:
    """What one broker's full health check complains of, without paths; None without an answer."""
    try:
        answer = await client.get(f"{url}/healthz")
    except httpx.HTTPError:
        return None
    if answer.is_success:
        return ""
    # After a full disk a stream refuses everything until the server is started again, however much space is freed.
    return "write error: free space, then restart the broker" if "write error" in answer.text else f"not healthy ({answer.status_code})"


async def run(
    url: str,
    monitor_url: str,
    agencies: Callable[[], Sequence[str]],
    *,
    user: str | None = None,
    password: str | None = None,
    replicas: int = 1,
    ca: str | None = None,
    sites: Sequence[hub.Site] = (),
) -> None:
    """Keep everything provisioned until cancelled, however long the server is away; `agencies` is asked each time whose durables there are to be."""
    client = await _connect(url, user, password, ca)
    complete, complained = False, ""
    try:
        while True:
            try:
                ill = await ailment(monitor_url)
                if ill != complained:
                    (log.warning if ill else log.info)("broker_health", reason=ill or "well")
                    complained = ill
                if client.is_connected and not ill:
                    await provision(client.jetstream(timeout=5), agencies(), replicas, sites=sites)
                    if not complete:
                        log.info("provisioned")
                    complete = True
            except (APIError, TimeoutError, OSError, ValueError, nats.errors.Error) as error:
                log.warning("provision_waits", error=type(error).__name__)
                complete = False
            await asyncio.sleep(EVERY)
    finally:
        with contextlib.suppress(Exception):
            await client.close()


async def _connect(url: str, user: str | None, password: str | None, ca: str | None) -> Client:
    prefix = f"_INBOX_{user or 'provisioner'}"
    while True:
        try:
            return await nats.connect(
                url.split(","),
                user=user,
                password=password,
                inbox_prefix=prefix,
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.2,
                tls=ssl.create_default_context(cafile=ca) if ca else None,
            )
        except (OSError, nats.errors.Error) as error:
            log.warning("nats_awaited", error=type(error).__name__)
            await asyncio.sleep(0.5)


def known_agencies() -> list[str]:
    """The agencies that are on the roster, as it is now, or those of AGENCIES where there is none."""
    file = os.environ.get("AGENCIES_FILE")
    if file is not None:
        codes: list[str] = json.loads(Path(file).read_text())
        return codes
    return [agency for agency in os.environ.get("AGENCIES", "").split(",") if agency]


def main() -> None:
    """Run as a process, told by NATS_URL, NATS_MONITOR_URL, NATS_CA_FILE, AGENCIES_FILE (or AGENCIES), EDGES (agency:site, ...), NATS_REPLICAS and PROVISIONER_NATS_PASSWORD (or a file of that name)."""
    logs.configure(os.environ.get("LOG_LEVEL", "info"), "provisioner")
    secret = Path("/run/secrets/provisioner_nats_password")
    password = os.environ.get("PROVISIONER_NATS_PASSWORD") or (secret.read_text().strip() if secret.exists() else None)
    work = run(
        os.environ["NATS_URL"],
        os.environ["NATS_MONITOR_URL"],
        known_agencies,
        user="provisioner",
        password=password,
        replicas=int(os.environ.get("NATS_REPLICAS", "1")),
        ca=os.environ.get("NATS_CA_FILE"),
        sites=hub.sites(os.environ.get("EDGES", "")),
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(work)


if __name__ == "__main__":
    main()
