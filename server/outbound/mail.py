"""Sends mail: one message to all of its recipients in one conversation with the mail server, and what came of it."""

import asyncio
import base64
import re
import smtplib
import socket
import ssl
import struct
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from server.masking import mask_text

READABLE = 200
TOO_LARGE = 552  # said of a message's size, also where the sender is named
CLOSES = 421  # whatever is asked, the mail server hangs up
PIECE = 65_536
_RESET = struct.pack("ii", 1, 0)  # what is not sent when it is closed is dropped
_FINISH = struct.pack("ii", 0, 0)
_ADDRESS = re.compile(r"<?[^\s<>@(),;]{1,64}@[A-Za-z0-9.-]{0,255}[A-Za-z0-9]>?")
_Answer = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class MailServer:
    """Who takes mail, how it is spoken to, and from whom mail comes."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    sender: str
    sender_name: str = ""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_s: float = 30.0
    answer_s: float = 600.0  # to the message itself: it may be looked through first (RFC 5321, 4.5.3.2.6)


@dataclass(frozen=True, slots=True)
class Posted:
    """Who has got it, who will never and who may later; and why not, in a few words and without an address."""

    taken: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    never: str = ""
    not_now: str = ""

    @property
    def said(self) -> str:
        """What is told first: it is for good."""
        return self.never or self.not_now


class Mailer:
    """One connection for each message. Certificates are checked as everywhere; `trust` is for tests."""

    def __init__(self, server: MailServer, trust: ssl.SSLContext | None = None) -> None:
        self.server = server
        self._trust = trust

    async def send(self, message: bytes, recipients: Sequence[str]) -> Posted:
        """Never raises for what the mail server does or does not do. May be cancelled: then the connection is cut.

        It is held in a thread of its own, which nobody waits for: the loop goes on, whatever a message weighs, and none
        of those that jobs share is taken for as long as a mail server thinks.
        """
        talk = _Talk(self.server, self._trust)
        told: Future[Posted] = Future()
        told.set_running_or_notify_cancel()

        def hold() -> None:
            try:
                told.set_result(talk.hold(message, tuple(recipients)))
            except BaseException as error:  # noqa: BLE001 - whoever waits raises it
                told.set_exception(error)

        threading.Thread(target=hold, daemon=True, name="mail").start()
        try:
            return await asyncio.wrap_future(told)
        except asyncio.CancelledError:
            talk.cut()
            raise


class _Talk:
    """One conversation. It blocks; another thread may cut it."""

    def __init__(self, server: MailServer, trust: ssl.SSLContext | None) -> None:
        self._server = server
        self._trust = trust
        self._smtp: smtplib.SMTP | None = None
        self._cut = False

    def cut(self) -> None:
        """From now on nothing is sent any more."""
        self._cut = True
        connection = self._smtp.sock if self._smtp is not None else None
        if connection is not None:
            with suppress(OSError):  # not that of TLS, which would go on in the clear
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def hold(self, message: bytes, everybody: tuple[str, ...]) -> Posted:
        """A refusal for good is only what is said of a recipient or of the message: what is wrong with the login or the
        sender may be set right meanwhile."""
        try:
            return self._connected(message, everybody)
        except smtplib.SMTPDataError as error:
            said = f"The mail server did not take the message: {_told(error)}"
            if error.smtp_code >= 500:
                return Posted(refused=everybody, never=said)
        except smtplib.SMTPAuthenticationError as error:
            said = f"The mail server refused the login: {_told(error)}"
        except smtplib.SMTPSenderRefused as error:
            said = f"The mail server refused the sender: {_told(error)}"
        except smtplib.SMTPResponseException as error:
            said = f"The mail server said: {_told(error)}"
        except (OSError, ValueError) as error:
            said = f"The mail server could not be spoken to: {_cleaned(str(error))}"
        return Posted(later=everybody, not_now=said)

    def _connected(self, message: bytes, everybody: tuple[str, ...]) -> Posted:
        here = self._server
        context = self._trust or ssl.create_default_context()
        if here.security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(here.host, here.port, timeout=here.timeout_s, context=context)
        else:
            smtp = smtplib.SMTP(here.host, here.port, timeout=here.timeout_s)
        self._smtp = smtp
        try:
            if here.security == "starttls":
                smtp.starttls(context=context)
            smtp.ehlo_or_helo_if_needed()
            if here.username is not None:
                _log_in(smtp, here.username, here.password or "")
            posted = self._told_of(smtp, message, everybody)
            with suppress(OSError):  # once the message is taken, nothing that follows undoes it
                smtp.putcmd("quit")
            return posted
        finally:
            smtp.close()

    def _told_of(self, smtp: smtplib.SMTP, message: bytes, everybody: tuple[str, ...]) -> Posted:
        size = [f"size={len(message)}"] if smtp.has_extn("size") else []
        code, said = smtp.mail(self._server.sender, size)
        if code == TOO_LARGE:
            raise smtplib.SMTPDataError(code, said)
        if code // 100 != 2:
            raise smtplib.SMTPSenderRefused(code, said, self._server.sender)
        answers: dict[str, _Answer] = {}
        for one in everybody:
            code, said = smtp.rcpt(one)
            if code == CLOSES:
                raise smtplib.SMTPResponseException(code, said)
            if code // 100 != 2:
                answers[one] = (code, said)
        if len(answers) < len(everybody):
            self._hand_over(smtp, message)
        return _sorted(everybody, answers)

    def _hand_over(self, smtp: smtplib.SMTP, message: bytes) -> None:
        """Raises SMTPDataError. One that breaks before the answer is reset: nothing is completed afterwards."""
        code, said = smtp.docmd("data")
        if code != 354:
            raise smtplib.SMTPDataError(code, said)
        connection = smtp.sock
        if self._cut or connection is None:
            raise smtplib.SMTPServerDisconnected("It was cut.")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        connection.settimeout(self._server.answer_s)
        lines = memoryview(dotted(message))
        for at in range(0, len(lines), PIECE):
            smtp.send(lines[at : at + PIECE])
        code, said = smtp.getreply()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _FINISH)
        if code // 100 != 2:
            raise smtplib.SMTPDataError(code, said)


def dotted(message: bytes) -> bytes:
    """As it is sent: lines that begin with a dot have one more, and one that is only a dot ends it. Without a regular
    expression, which would hold up every thread for as long as it looks."""
    begun = b"." if message.startswith(b".") else b""
    ended = b"" if message.endswith(b"\r\n") else b"\r\n"
    return b"".join((begun, message.replace(b"\r\n.", b"\r\n.."), ended, b".\r\n"))


def _log_in(smtp: smtplib.SMTP, name: str, password: str) -> None:
    """Raises SMTPAuthenticationError. The library takes ASCII only; the others go by PLAIN, which is in UTF-8."""
    if (name + password).isascii():
        smtp.login(name, password)
        return
    secret = base64.b64encode(f"\0{name}\0{password}".encode()).decode()
    code, said = smtp.docmd("AUTH", f"PLAIN {secret}")
    if code // 100 != 2:
        raise smtplib.SMTPAuthenticationError(code, said)


def _sorted(everybody: Sequence[str], answers: dict[str, _Answer]) -> Posted:
    """By what was said of each; of whom nothing was, it was taken for."""
    never = {one: answer for one, answer in answers.items() if answer[0] >= 500}
    later = {one: answer for one, answer in answers.items() if answer[0] < 500}
    taken = tuple(one for one in everybody if one not in answers)
    return Posted(taken, tuple(never), tuple(later), _first_of(never), _first_of(later))


def _first_of(answers: dict[str, _Answer]) -> str:
    said = [_said(*answer) for answer in answers.values()]
    return f"The mail server refused recipients: {said[0]}" if said else ""


def _told(error: smtplib.SMTPResponseException) -> str:
    return _said(error.smtp_code, error.smtp_error)


def _said(code: int, text: bytes | str) -> str:
    line = text if isinstance(text, str) else text.decode(errors="replace")
    return f"{code} {_cleaned(line)}".strip()


def _cleaned(text: str) -> str:
    """One short line without secrets and addresses: it is logged."""
    line = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    return without_addresses(mask_text(line))[:READABLE]


def without_addresses(text: str) -> str:
    """The same, with nobody's address in it."""
    return _ADDRESS.sub("…", text)
