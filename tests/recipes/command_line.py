"""Stands in for the `nats` command line, which none of the registries has that the tests may use: it asks the broker what that program asks it.

Taken from the source of natscli (`pub_command.go`, `req_command.go`, `consumer_command.go`): which options there are, which requests an option makes, what is
printed before what is acknowledged, and with what it ends. An option that is not here is refused, as the program would refuse one that it does not have.
"""

import argparse
import asyncio
import json
import sys

import nats
from nats.aio.client import Client
from nats.errors import Error


def parsed() -> argparse.Namespace:
    """The options, those of all commands first."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("--server", "--user", "--password", "--inbox-prefix"):
        parser.add_argument(name, required=True)
    parser.add_argument("--timeout", type=lambda told: float(told.removesuffix("s")), default=5.0)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, flag in (("publish", "--jetstream"), ("request", "--raw")):
        command = commands.add_parser(name, allow_abbrev=False)
        command.add_argument(flag, action="store_true", required=True)
        command.add_argument("--no-templates", action="store_true", required=True)
        command.add_argument("subject")
        command.add_argument("body")
    following = commands.add_parser("consumer", allow_abbrev=False).add_subparsers(required=True).add_parser("next", allow_abbrev=False)
    following.add_argument("stream")
    following.add_argument("durable")
    following.add_argument("--raw", action="store_true")
    following.add_argument("--ack", action="store_true")
    return parser.parse_args()


async def publish(client: Client, told: argparse.Namespace) -> None:
    """A request on the subject itself, whose answer is the PubAck."""
    answer = json.loads((await client.request(told.subject, told.body.encode(), timeout=told.timeout)).data)
    if "error" in answer:
        sys.exit(answer["error"]["description"])
    print(f"Stored in Stream: {answer['stream']} Sequence: {answer['seq']}")


async def request(client: Client, told: argparse.Namespace) -> None:
    """One answer, printed as it is; that nobody answers is said beside it, and is no failure."""
    try:
        print((await client.request(told.subject, told.body.encode(), timeout=told.timeout)).data.decode())
    except nats.errors.NoRespondersError:
        print("No responders are available", file=sys.stderr)


async def following(client: Client, told: argparse.Namespace) -> None:
    """The durable is looked up first; then one message is asked for, printed and acknowledged. A status of the server is printed too, and cannot be acknowledged."""
    await client.request(f"$JS.API.CONSUMER.INFO.{told.stream}.{told.durable}", b"", timeout=told.timeout)
    inbox = client.new_inbox()
    messages = await client.subscribe(inbox)
    asked = json.dumps({"batch": 1, "expires": int(told.timeout * 1e9)}).encode()
    await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{told.stream}.{told.durable}", asked, reply=inbox)
    message = await messages.next_msg(timeout=told.timeout)
    if not told.raw:
        print(f"[00:00:00] subj: {message.subject} / tries: 1\n\nHeaders:\n")
        for name, value in (message.headers or {}).items():
            print(f"  {name}: {value}")
        print("\nData:\n\n")
    print(message.data.decode(), flush=True)
    if not message.reply:
        sys.exit("could not Acknowledge message")
    await client.publish(message.reply, b"+ACK")
    await client.flush()


async def main() -> None:
    """One command, with a connection of its own that it gives up on."""
    told = parsed()

    async def quiet(_error: Exception) -> None:
        return

    try:
        client = await nats.connect(
            told.server, user=told.user, password=told.password, inbox_prefix=told.inbox_prefix, allow_reconnect=False, error_cb=quiet
        )
        try:
            await {"publish": publish, "request": request, "consumer": following}[told.command](client, told)
        finally:
            await client.close()
    except (Error, OSError) as error:
        sys.exit(f"nats: error: {type(error).__name__}")


asyncio.run(main())
