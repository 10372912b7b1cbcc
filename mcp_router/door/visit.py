"""One visit: what is known of a request while it is answered, for its line in the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from starlette.types import Message

KEY = "mcp_router.visit"
"""Where the access log leaves the visit in the scope of a request."""

Ending = Literal["finished", "failed", "client left", "drained", "revoked", "cut"]
"""How an answer ended: whole, in an error after it had begun, or not at all."""


@dataclass(slots=True)
class Visit:
    """A request so far.

    Attributes:
        request_id: what clients and lines of the log call it.
        status: None as long as nothing was sent.
        sent: bytes of the body.
        streams: whether it is answered with events.
        whole: whether all was sent.
        left: whether the client hung up before that.
        token: the name of the token that it was let in with.
        decision_id: of the decision behind its answer.
        cause: why it was ended, or what broke it.
    """

    request_id: str
    status: int | None = None
    sent: int = 0
    streams: bool = False
    whole: bool = False
    left: bool = False
    token: str = ""
    decision_id: str = ""
    cause: Ending | None = None

    def note(self, message: Message) -> None:
        """Take down what was sent."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            for name, value in message.get("headers", ()):
                if name == b"x-router-decision-id":
                    self.decision_id = value.decode("latin-1")
                elif name == b"content-type":
                    self.streams = value.startswith(b"text/event-stream")
        elif message["type"] == "http.response.body":
            self.sent += len(message.get("body", b""))
            self.whole = not message.get("more_body", False)

    @property
    def ending(self) -> Ending:
        """How it ended, once it has."""
        if self.left:
            return "client left"
        return self.cause or ("finished" if self.whole else "cut")
