"""Sends mail: one message to all of its recipients in one conversation with the mail server, and what came of it."""

import re
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

import aiosmtplib

from server.masking import mask_text

READABLE = 200
_ADDRESS = re.compile(r"<?[^\s<>@(),;]{1,64}@[A-Za-z0-9.-]{0,255}[A-Za-z0-9]>?")


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


@dataclass(frozen=True, slots=True)
class Posted:
    """Who has got it, who will never, and who may later. `said`: why not, in a few words and without an address."""

    taken: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    said: str = ""


class Mailer:
    """One connection for each message. Certificates are checked as everywhere; `trust` is for tests."""

    def __init__(self, server: MailServer, trust: ssl.SSLContext | None = None) -> None:
        self.server = server
        self._trust = trust

    async def send(self, message: bytes, recipients: Sequence[str]) -> Posted:
        """Never raises for what the mail server does or does not do.

        A refusal for good is only what it says of a recipient or of the message: what is wrong with the login or the
        sender may be set right meanwhile.
        """
        everybody = tuple(recipients)
        try:
            answers = await self._talk(message, everybody)
        except aiosmtplib.SMTPRecipientsRefused as error:
            return _sorted(everybody, {one.recipient: (one.code, one.message) for one in error.recipients})
        except aiosmtplib.SMTPDataError as error:
            said = f"The mail server did not take the message: {_said(error.code, error.message)}"
            return Posted(refused=everybody, said=said) if error.code >= 500 else Posted(later=everybody, said=said)
        except aiosmtplib.SMTPAuthenticationError as error:
            return Posted(
                later=everybody, said=f"The mail server refused the login: {_said(error.code, error.message)}"
            )
        except aiosmtplib.SMTPSenderRefused as error:
            return Posted(
                later=everybody, said=f"The mail server refused the sender: {_said(error.code, error.message)}"
            )
        except aiosmtplib.SMTPResponseException as error:
            return Posted(later=everybody, said=f"The mail server said: {_said(error.code, error.message)}")
        except (aiosmtplib.SMTPException, OSError, ValueError, TimeoutError) as error:
            return Posted(later=everybody, said=f"The mail server could not be spoken to: {_cleaned(str(error))}")
        return _sorted(everybody, answers)

    async def _talk(self, message: bytes, recipients: Sequence[str]) -> dict[str, tuple[int, str]]:
        """What was said of those who are refused. Once the message is taken, nothing that follows undoes it."""
        here = self.server
        smtp = aiosmtplib.SMTP(
            hostname=here.host, port=here.port, timeout=here.timeout_s, tls_context=self._trust,
            use_tls=here.security == "tls", start_tls=here.security == "starttls",
            username=here.username, password=here.password,
        )  # fmt: skip
        try:
            await smtp.connect()
            answers, _ = await smtp.sendmail(here.sender, recipients, message)
            with suppress(aiosmtplib.SMTPException, OSError):
                await smtp.quit()
        finally:
            smtp.close()
        return {one: (answer.code, answer.message) for one, answer in answers.items()}


def _sorted(everybody: Sequence[str], answers: dict[str, tuple[int, str]]) -> Posted:
    """By what was said of each; of whom nothing was, it was taken for."""
    told = [one for one in everybody if one in answers]
    first = _said(*answers[told[0]]) if told else ""
    return Posted(
        tuple(one for one in everybody if one not in answers),
        tuple(one for one in told if answers[one][0] >= 500),
        tuple(one for one in told if answers[one][0] < 500),
        f"The mail server refused recipients: {first}" if told else "",
    )


def _said(code: int, text: str) -> str:
    return f"{code} {_cleaned(text)}".strip()


def _cleaned(text: str) -> str:
    """One short line without secrets and addresses: it is logged."""
    line = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    return without_addresses(mask_text(line))[:READABLE]


def without_addresses(text: str) -> str:
    """The same, with nobody's address in it."""
    return _ADDRESS.sub("…", text)
