"""One agency's system that sends as many referrals as it can, a hundred at a time: FLOOD of them, to the account that NATS_URL and NATS_USER name."""

import asyncio
import os

import nats

from tests.intake.builders import a_body

AT_ONCE = 100


async def flood() -> None:
    """Send them all; each is sent again until the broker has acknowledged it."""
    client = await nats.connect(os.environ["NATS_URL"], user=os.environ["NATS_USER"], password="test")
    js, left = client.jetstream(timeout=20), iter(range(int(os.environ["FLOOD"])))

    async def some() -> None:
        for number in left:
            await js.publish("referral.dinsos.submitted.v1", a_body(reference=f"flood-{number}"))

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    await client.close()


if __name__ == "__main__":
    asyncio.run(flood())
