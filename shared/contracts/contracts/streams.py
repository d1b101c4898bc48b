"""Where everything travels: the streams and the services' durables, declared once for the provisioner and for every reader."""

from dataclasses import dataclass

from contracts.catalogue import read_by, said_by

SERVICES = ("intake", "placement", "assessment", "notifications")
GIB = 1024**3
HANDOVER = "HANDOVER"
# Whose messages are erased once they are taken: nobody compares them with what was said, and none is put back.
ERASED = frozenset({"REFERRALS", HANDOVER})


@dataclass(frozen=True, slots=True)
class Stream:
    """One JetStream stream; `duplicate_window` in seconds, `max_bytes` the size at which it refuses (an alarm comes before).

    `most_waiting` is how many messages of one subject it keeps (any number without it): more are refused to their sender, and to nobody else.
    """

    name: str
    subjects: tuple[str, ...]
    duplicate_window: float
    max_bytes: int
    most_waiting: int | None = None


@dataclass(frozen=True, slots=True)
class Durable:
    """One durable consumer: whose it is, on which stream, and which subjects it filters."""

    stream: str
    name: str
    filters: tuple[str, ...]


STREAMS = (
    Stream("CASES", ("case.>", "shelter.>"), duplicate_window=600, max_bytes=8 * GIB),
    # Deduplication is per stream, and two agencies may use one message id: the window is as short as the server takes.
    Stream("REFERRALS", tuple(event.filters()[0] for event in said_by("agency")), duplicate_window=0.1, max_bytes=2 * GIB, most_waiting=10_000),
    Stream("RECEIPTS", ("receipt.>",), duplicate_window=600, max_bytes=2 * GIB),
    Stream("AGENCIES", ("agency.>",), duplicate_window=600, max_bytes=4 * GIB),
    Stream("AUDIT", ("audit.*.sealed.v1",), duplicate_window=600, max_bytes=GIB),
    # Who is let in no more: every replica asks for the last word, and nobody has a durable on it.
    Stream("ACCESS", ("access.>",), duplicate_window=0.1, max_bytes=GIB),
    Stream("PUBLIC", ("public.>",), duplicate_window=600, max_bytes=GIB),
    # Sent again under ids of its own until it is taken, and erased then: there is nothing to deduplicate.
    Stream(HANDOVER, ("handover.>",), duplicate_window=0.1, max_bytes=GIB),
)


def durables_of(service: str) -> tuple[Durable, ...]:
    """The durables of a service: `urgent` and `main` on CASES, and one `main` on each other stream it reads."""
    found: list[Durable] = []
    for stream in STREAMS:
        events = read_by(service, stream.name)
        main = tuple(event.filters()[0] for event in events)
        urgent = tuple(event.filters()[1] for event in events if event.filters()[1] not in main)
        if urgent:
            found.append(Durable(stream.name, f"{service}-urgent", urgent))
        if main:
            found.append(Durable(stream.name, f"{service}-main", main))
    return tuple(found)


# How the durables begin by which intake reads what each agency sends, so that what one sends costs the others nothing.
LANE = "lane-"


def lane_of(agency: str) -> Durable:
    """From which intake takes what this agency sends. `intake-main` on the same stream counts what all of them wait for; nobody pulls it."""
    return Durable("REFERRALS", f"{LANE}{agency}", tuple(event.filters()[0].replace("*", agency) for event in said_by("agency")))


def durables_of_agency(agency: str) -> tuple[Durable, ...]:
    """What an agency pulls from: its receipts and its own feed."""
    return (
        Durable("RECEIPTS", f"agency-{agency}", (f"receipt.{agency}.>",)),
        Durable("AGENCIES", f"agency-{agency}", (f"agency.{agency}.>",)),
    )


def said_on(service: str) -> dict[str, tuple[str, ...]]:
    """The subjects on which a service publishes what it keeps as said, by stream; what it hands over is not among it (`handed_over_by`)."""
    found: dict[str, tuple[str, ...]] = {}
    for event in said_by(service):
        if event.stream == HANDOVER:
            continue
        root = event.type.split(".", 1)[0]
        subject = f"{root}.{service}.>" if root in {"case", "audit"} else f"{root}.>"
        found[event.stream] = tuple(dict.fromkeys((*found.get(event.stream, ()), subject)))
    return found


def handed_over_by(service: str) -> tuple[str, ...]:
    """The subjects on which a service hands personal facts over, sealed to whom they are for."""
    return tuple(event.filters()[0] for event in said_by(service) if event.stream == HANDOVER)
