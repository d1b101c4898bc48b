"""What an office's own system does, as a process at the site: one request per line of its standard input, one answer per line of its output."""

import asyncio
import json
import sys

import nats


async def main(url: str, password: str) -> None:
    """Ask until the input ends; a server that is away is asked again."""
    client = await nats.connect(
        url, user="office", password=password, inbox_prefix="_INBOX_office", max_reconnect_attempts=-1, reconnect_time_wait=0.1
    )
    for line in sys.stdin:
        asked = json.loads(line)
        while True:
            try:
                answer = await client.request(asked["subject"], json.dumps(asked["body"]).encode(), timeout=2)
            except (nats.errors.Error, TimeoutError):
                await asyncio.sleep(0.1)
            else:
                break
        sys.stdout.write(answer.data.decode() + "\n")
        sys.stdout.flush()
    await client.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
