"""What every event is: immutable data with a type, a stream and declared readers."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Data(BaseModel):
    """A value inside an event: frozen; fields that a newer producer added are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Data):
    """One fact about one subject (a case, a shelter or an agency's follow id); the subject itself travels in the envelope.

    `type` is the CloudEvents type, `stream` the JetStream stream that stores it, `producer` the service that may say it and
    `read_by` the services that have a durable for it.
    """

    type: ClassVar[str]
    stream: ClassVar[str] = "CASES"
    producer: ClassVar[str]
    read_by: ClassVar[tuple[str, ...]] = ()

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
