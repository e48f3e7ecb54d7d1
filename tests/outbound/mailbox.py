"""A mail server on loopback for tests without a loop of their own: it keeps what it takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.servers import free_port


@dataclass(frozen=True)
class Mail:
    recipients: set[str]
    message: EmailMessage

    @property
    def files(self) -> list[str]:
        """The names of what is attached."""
        return [part.get_filename() or "" for part in self.message.iter_attachments()]


@dataclass
class Mailbox:
    """Takes every mail, but for the addresses that it refuses."""

    port: int
    got: list[Mail] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)

    def clear(self) -> None:
        self.got.clear()
        self.refuses.clear()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuses:
            return "550 5.1.1 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, _class=EmailMessage, policy=policy.default)
        self.got.append(Mail(set(envelope.rcpt_tos), message))
        return "250 OK"


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """On a free port."""
    opened = Mailbox(free_port())
    controller = Controller(opened, hostname="127.0.0.1", port=opened.port)
    controller.start()
    try:
        yield opened
    finally:
        controller.stop()
