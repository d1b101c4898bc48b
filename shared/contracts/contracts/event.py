"""What every event is: immutable data with a type, a stream and declared readers."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict


class Data(BaseModel):
    """A value inside an event: frozen; fields that a newer producer added are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Data):
    """One fact about one subject (a case, a shelter or an agency's follow id); the subject itself travels in the envelope.

    `type` is the CloudEvents type, `stream` the JetStream stream that stores it, `producer` the service that may say it and
    `read_by` the services that have a durable for it. `earlier` are the majors before this one, which the streams keep (docs/decisions/0026).
    """

    type: ClassVar[str]
    stream: ClassVar[str] = "CASES"
    producer: ClassVar[str]
    read_by: ClassVar[tuple[str, ...]] = ()
    earlier: ClassVar[tuple[Any, ...]] = ()

    @classmethod
    def lift(cls, older: Any) -> Self:
        """A fact of one of the `earlier` majors in the form of this one. Raises TypeError for any other."""
        raise TypeError(f"{cls.type} does not follow {type(older).__name__}")  # noqa: TRY003 - only a mistake of ours gets here

    def majors(self) -> tuple["Event", ...]:
        """What its producer says of this one fact: this, and the earlier majors that somebody still reads, all with one `factid`."""
        return (self,)

    @property
    def urgent(self) -> bool:
        """Whether readers take this up before ordinary events, through their second durable."""
        return False

    @property
    def route(self) -> str:
        """The NATS subject this event is published on."""
        return f"{self.type}.urgent" if self.urgent else self.type

    @classmethod
    def filters(cls) -> tuple[str, str]:
        """The NATS subjects on which this type can arrive: the ordinary and the urgent one."""
        return cls.type, f"{cls.type}.urgent"
