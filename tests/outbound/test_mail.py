"""Mail, with servers on loopback: in the clear, with STARTTLS and a login, and what is refused."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.outbound.mail import Mailer, MailServer, Posted, without_addresses
from server.tls import self_signed
from tests import mail_server as loopback

MESSAGE = b"Subject: Hello\r\nTo: undisclosed-recipients:;\r\n\r\n.\r\nA line that begins with a dot.\r\n"
ADA, BOB = "ada@example.com", "bob@example.com"


def here(port: int, **more: object) -> MailServer:
    given: dict[str, object] = {"security": "none", "sender": "rollcall@example.com", "timeout_s": 5.0}
    return MailServer("127.0.0.1", port, **(given | more))  # type: ignore[arg-type]


@pytest.fixture
def server() -> Iterator[loopback.MailServer]:
    with loopback.mail_server() as kept:
        yield kept


@pytest.fixture
def contexts(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of a server with a certificate of its own, and of whoever trusts it."""
    made = self_signed(tmp_path, ["127.0.0.1"], datetime.now(UTC))
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(made.cert, made.key)
    return serving, ssl.create_default_context(cafile=str(made.cert))


async def test_a_message_arrives_as_it_is(server: loopback.MailServer) -> None:
    """Once, for all recipients."""
    assert await Mailer(here(server.port)).send(MESSAGE, [ADA, BOB]) == Posted(taken=(ADA, BOB))
    [post] = server.came
    assert (post.sender, post.recipients) == ("rollcall@example.com", [ADA, BOB])
    assert post.message.get_content().splitlines() == [".", "A line that begins with a dot."]


async def test_starttls_and_a_login(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """The server asks for both, and its certificate is checked."""
    serving, trusting = contexts
    name, password = loopback.LOGIN
    with loopback.mail_server(starttls=serving, login=True) as server:
        login = here(server.port, security="starttls", username=name, password=password)
        assert await Mailer(login, trusting).send(MESSAGE, [ADA]) == Posted(taken=(ADA,))
        unknown = await Mailer(login).send(MESSAGE, [ADA])  # a certificate that nobody has vouched for
        assert unknown.later == (ADA,)
        assert "CERTIFICATE_VERIFY_FAILED" in unknown.said
        wrong = await Mailer(here(server.port, security="starttls", username=name, password="x"), trusting).send(
            MESSAGE, [ADA]
        )
        assert (wrong.later, wrong.said.partition(":")[0]) == ((ADA,), "The mail server refused the login")
        without = await Mailer(here(server.port)).send(MESSAGE, [ADA])
        assert without.later == (ADA,)
    assert len(server.came) == 1


async def test_nothing_is_sent_in_the_clear_instead(server: loopback.MailServer) -> None:
    """A server without STARTTLS is none where it was asked for."""
    posted = await Mailer(here(server.port, security="starttls")).send(MESSAGE, [ADA])
    assert (posted.later, server.came) == ((ADA,), [])


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("550 Unknown", "refused"), ("553 bad <bob@example.com>", "refused"), ("450 Busy", "later")],
)
async def test_what_is_said_of_one_recipient(server: loopback.MailServer, answer: str, kind: str) -> None:
    """For good, or for now; the others get it, and no address is in what was said."""
    server.refuses = {BOB: answer}
    posted = await Mailer(here(server.port)).send(MESSAGE, [ADA, BOB])
    assert (posted.taken, getattr(posted, kind)) == ((ADA,), (BOB,))
    assert answer[:3] in posted.said
    assert "@" not in posted.said
    nobody = await Mailer(here(server.port)).send(MESSAGE, [BOB])
    assert (nobody.taken, getattr(nobody, kind), len(server.came)) == ((), (BOB,), 1)


@pytest.mark.parametrize(("answer", "kind"), [("552 Too large", "refused"), ("452 No room", "later")])
async def test_what_is_said_of_the_message(server: loopback.MailServer, answer: str, kind: str) -> None:
    """It is everybody's."""
    server.answers = [answer]
    posted = await Mailer(here(server.port)).send(MESSAGE, [ADA, BOB])
    assert (posted.taken, getattr(posted, kind)) == ((), (ADA, BOB))
    assert answer in posted.said


async def test_nobody_and_somebody_silent() -> None:
    """Later, within the time that a step may take."""
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = silent.getsockname()[1]
        assert (await Mailer(here(port, timeout_s=0.2)).send(MESSAGE, [ADA])).later == (ADA,)
    assert (await Mailer(here(port)).send(MESSAGE, [ADA])).later == (ADA,)


def test_addresses_are_left_out() -> None:
    """Whatever stands around them."""
    assert without_addresses("550 <a.b@example.com>: (c@d) unknown, x@y.example.") == "550 …: (…) unknown, …."
    assert "hunter2" not in repr(MailServer("h", 25, "none", "a@b", password="hunter2"))
