"""A mail server on loopback that keeps what it is sent, refuses whom it is told to, and may ask for TLS and a login."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

from tests.servers import free_port

LOGIN = ("rollcall", "a-mail-secret-of-tests")


@dataclass
class Post:
    """One that was taken: its envelope and the message."""

    sender: str
    recipients: list[str]
    message: EmailMessage


@dataclass
class MailServer:
    """What arrived, and what is answered: `refuses` by recipient, `of_sender`, `answers` to a message instead of taking
    it. One that has arrived is told so while it is `open`."""

    port: int
    came: list[Post] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    of_sender: str = ""
    arrived: threading.Event = field(default_factory=threading.Event)
    open: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.open.set()

    async def handle_MAIL(
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.of_sender:
            return self.of_sender
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:
        if self.answers:
            return self.answers.pop(0)
        content = cast(bytes, envelope.content)
        message = message_from_bytes(content, policy=default)
        self.came.append(Post(envelope.mail_from or "", list(envelope.rcpt_tos), message))
        self.arrived.set()
        await asyncio.to_thread(self.open.wait)
        return "250 Taken"


@contextmanager
def mail_server(
    *, starttls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None
) -> Iterator[MailServer]:
    """Listening on a port of its own, in a thread of its own."""
    kept = MailServer(free_port())

    def known(_server: SMTP, _session: Any, _envelope: Envelope, _mechanism: str, given: Any) -> AuthResult:
        name, password = login or LOGIN
        right = isinstance(given, LoginPassword) and given == LoginPassword(name.encode(), password.encode())
        return AuthResult(success=right, handled=right)

    controller = Controller(
        kept, hostname="127.0.0.1", port=kept.port, tls_context=starttls, require_starttls=starttls is not None,
        authenticator=known if login else None, auth_required=login is not None, auth_require_tls=starttls is not None,
    )  # fmt: skip
    controller.start()
    try:
        yield kept
    finally:
        kept.open.set()
        controller.stop()
