"""Mail, with servers on loopback: in the clear, with STARTTLS and a login, and what is refused."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.outbound.mail import Mailer, MailServer, Posted, dotted, without_addresses
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
    with loopback.mail_server(starttls=serving, login=loopback.LOGIN) as server:
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


@pytest.mark.parametrize(("answer", "kind"), [("552 Too large", "refused"), ("550 Not from you", "later")])
async def test_what_is_said_of_the_sender(server: loopback.MailServer, answer: str, kind: str) -> None:
    """It may be set right meanwhile, unless it is of the size that was named with it."""
    server.of_sender = answer
    posted = await Mailer(here(server.port)).send(MESSAGE, [ADA])
    assert getattr(posted, kind) == (ADA,)
    assert ("did not take the message" in posted.said) == (kind == "refused")


async def test_what_is_for_good_is_told_apart_from_what_is_for_now(server: loopback.MailServer) -> None:
    """Each with the mail server's own words, and first what is for good."""
    server.refuses = {ADA: "450 Busy", BOB: "550 Unknown"}
    posted = await Mailer(here(server.port)).send(MESSAGE, [ADA, BOB])
    assert (posted.later, posted.refused) == ((ADA,), (BOB,))
    assert ("450 Busy" in posted.not_now, "550 Unknown" in posted.never, posted.said) == (True, True, posted.never)


async def test_the_answer_to_the_message_may_take_its_time(server: loopback.MailServer) -> None:
    """It is waited for longer than for any other: whoever gave up would send it again."""
    server.open.clear()
    threading.Timer(1.0, server.open.set).start()
    assert await Mailer(here(server.port, timeout_s=0.4)).send(MESSAGE, [ADA]) == Posted(taken=(ADA,))
    server.open.clear()
    late = await Mailer(here(server.port, answer_s=0.2)).send(MESSAGE, [ADA])
    assert (late.later, "could not be spoken to" in late.said) == ((ADA,), True)


async def test_the_loop_goes_on_meanwhile(server: loopback.MailServer) -> None:
    """And the conversation without it: a message arrives while the loop stands still."""
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(Mailer(here(server.port)).send(MESSAGE, [ADA]))
        await asyncio.sleep(0)
        assert server.arrived.wait(20)
    assert sending.result().taken == (ADA,)


@pytest.mark.parametrize("size", [60_000, 30_000_000])
async def test_what_is_cut_is_not_completed(size: int) -> None:
    """A message that is half sent stays so, also where its end only waits in a buffer of this machine."""
    reached, may_read, read = threading.Event(), threading.Event(), bytearray()
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

        def slow() -> None:
            connection, _ = listening.accept()
            with connection, connection.makefile("rwb", buffering=0) as file:
                file.write(b"220 here\r\n")
                while (line := file.readline()) and not line.lower().startswith(b"data"):
                    file.write(b"250 yes\r\n")
                file.write(b"354 go on\r\n")
                reached.set()
                may_read.wait(20)
                try:
                    while piece := connection.recv(1 << 20):
                        read.extend(piece)
                except ConnectionResetError:
                    pass

        answering = threading.Thread(target=slow)
        answering.start()
        large = MESSAGE + b"x" * size
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(Mailer(here(listening.getsockname()[1])).send(large, [ADA]))
            await asyncio.to_thread(reached.wait, 20)
            await asyncio.sleep(0.2)
            sending.cancel()
        await asyncio.sleep(0.1)
        may_read.set()
        await asyncio.to_thread(answering.join, 20)
    assert not read.endswith(b"\r\n.\r\n")


def test_lines_that_begin_with_a_dot_have_one_more() -> None:
    """And a line that is only a dot ends it."""
    assert dotted(b".a\r\n..b\r\nc.\r\n") == b"..a\r\n...b\r\nc.\r\n.\r\n"
    assert dotted(b"a") == b"a\r\n.\r\n"


async def test_a_login_beyond_ascii(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """As it is written."""
    serving, trusting = contexts
    name, password = "käthe", "a-mäil-secret-of-tests"
    with loopback.mail_server(starttls=serving, login=(name, password)) as server:
        login = here(server.port, security="starttls", username=name, password=password)
        assert (await Mailer(login, trusting).send(MESSAGE, [ADA])).taken == (ADA,)
        wrong = await Mailer(replace(login, password="ä"), trusting).send(MESSAGE, [ADA])
    assert "refused the login" in wrong.said


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
