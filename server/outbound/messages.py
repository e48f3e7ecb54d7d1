"""What is sent to a receiver, what came back, and what it means: the words of this room, without I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from server.store.tables import Webhook
from server.store.webhooks import Target

TEST = "webhook.test"
INTERNAL_ERROR = "internal_error"  # a fault of ours: nothing of it is the receiver's


@dataclass(frozen=True, slots=True)
class Message:
    """An event as subscribers of the WebSocket get it, or a test. `sent_at`: of this try."""

    id: str
    type: str
    time: datetime
    source: str
    data: Mapping[str, Any]
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request."""

    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    method: Literal["POST", "GET"] = "POST"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` None: nothing did, and `reason` says why."""

    status: int | None
    reason: str
    body: bytes = b""  # bounded
    retry_after_s: float | None = None
    duration_ms: int = 0

    @property
    def taken(self) -> bool:
        """2xx."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Verdict:
    """`delivered`: it is over, well. `again`: later. `dead`: it will never do. `gone`: nothing more is to be sent."""

    outcome: Literal["delivered", "again", "dead", "gone"]
    result: str


@dataclass(frozen=True, slots=True)
class Unsendable:
    """There is nothing to send, and why."""

    result: str


class Receiver(Protocol):
    """One kind of receivers: how it is spoken to, and how its answers are to be read."""

    def request(self, webhook: Webhook, target: Target, message: Message) -> Request | Unsendable: ...

    def judge(self, answer: Answer) -> Verdict: ...


@dataclass(frozen=True, slots=True)
class Turned:
    """How a webhook goes on after a try."""

    failures: int
    resumes_at: datetime | None
    next_at: datetime | None  # of the delivery; None: it is over
    values: Mapping[str, Any] = field(default_factory=dict)
