"""Whether somebody is asking this service just now: then the work of the bus takes smaller steps, between which answers go out."""

from time import monotonic

from starlette.types import ASGIApp, Receive, Scope, Send

LINGERS = 1.0
OF_MACHINES = ("/livez", "/readyz", "/metrics")


class Presence:
    """When somebody asked last."""

    def __init__(self) -> None:
        self._until = 0.0

    def noted(self) -> None:
        """Somebody asks."""
        self._until = monotonic() + LINGERS

    @property
    def somebody(self) -> bool:
        """Whether somebody asked within the last second."""
        return monotonic() < self._until


class NotesRequests:
    """Middleware that notes people's requests; those by which machines look after the service do not count."""

    def __init__(self, app: ASGIApp, presence: Presence) -> None:
        self.app, self.presence = app, presence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note a request at its beginning and its end, and pass it on."""
        if scope["type"] != "http" or scope["path"].endswith(OF_MACHINES):
            await self.app(scope, receive, send)
            return
        self.presence.noted()
        try:
            await self.app(scope, receive, send)
        finally:
            self.presence.noted()
