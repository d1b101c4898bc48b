"""What an agency asks and is answered when it replays its own feed over NATS: a page of what it was told, as it may still be told it.

A question and an answer, and no event: nothing of it is stored in a stream.
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

QUEUE = "replay"


def subject(agency: str) -> str:
    """Where an agency asks; `*` for everybody's questions."""
    return f"feed.{agency}.replay"


class ReplayAsked(BaseModel):
    """From where, what, and how much at most. Without a position or a time: from the beginning. Where a position is given it counts alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: Annotated[str, Field(pattern=r"^\d{1,9}-\d{1,18}$", description="a `position` that you were given")] | None = None
    since: Annotated[AwareDatetime, Field(description="what was said from this time on")] | None = None
    types: Annotated[
        tuple[str, ...],
        Field(max_length=50, description="only these, such as agency.sheltered.v1; empty means all. That a feed or a disclosure ended comes always"),
    ] = ()
    limit: Annotated[int, Field(ge=1, le=1000, description="most events in the answer; it may hold fewer")] = 500


class Replayed(BaseModel):
    """An event and its position: a CloudEvent in structured mode, with `factversion` as it is numbered in its case."""

    position: str
    event: dict[str, Any]


class ReplayAnswered(BaseModel):
    """Events in the order in which everybody is given them, and from where to go on; `more` says that there are more already."""

    events: tuple[Replayed, ...]
    position: str
    more: bool


class ReplayProblem(BaseModel):
    """What is wrong with one field."""

    field: str
    code: str


class ReplayRefused(BaseModel):
    """A question that was refused, as HTTP would refuse it: problem details (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    errors: tuple[ReplayProblem, ...] = ()


SAMPLE_ASKED = ReplayAsked(since=datetime.fromisoformat("2026-03-02T08:00:00+00:00"), types=("agency.sheltered.v1",))
SAMPLE_ANSWERED = ReplayAnswered(
    events=(
        Replayed(
            position="1-7",
            event={
                "specversion": "1.0",
                "id": "019cada1-6f80-8000-8000-000000000007",
                "type": "agency.sheltered.v1",
                "source": "intake",
                "subject": "019cada1-6f80-8000-8000-000000000001",
                "time": "2026-03-02T08:30:00Z",
                "datacontenttype": "application/json",
                "factversion": 3,
                "data": {"agency": "dinsos", "city": "31.75"},
            },
        ),
    ),
    position="1-7",
    more=False,
)
SAMPLE_REFUSED = ReplayRefused(
    title="the platform was restored since: take a snapshot, and follow from its position",
    status=410,
    errors=(ReplayProblem(field="after", code="position_gone"),),
)
