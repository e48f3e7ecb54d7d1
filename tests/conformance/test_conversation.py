"""The order of a conversation: who is let in and how, what is asked and answered, and how it ends."""

import pytest

from tests.conformance.site import Site, wait_until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]


def test_welcome_comes_first(site: Site) -> None:
    """With the connection's id and the server's time, before anybody has said who they are."""
    with site.connected() as client:
        assert client.socket.subprotocol == "rollcall.v1"
        assert client.welcome["type"] == "welcome"
        assert client.welcome["connectionId"]
        assert client.welcome["serverTime"].endswith("Z")
    with site.connected(subprotocol=False) as client:
        assert client.socket.subprotocol is None
        assert client.welcome["type"] == "welcome"


def test_an_access_token_an_api_key_and_a_ticket_let_in(site: Site) -> None:
    """Each is answered with `ready` and who it is; a ticket is good once."""
    me = site.http.get("/api/v1/auth/me").json()["data"]
    with site.connected() as client:
        ready = client.ask(type="auth", token=site.token)
        assert (ready["type"], ready["user"]["email"]) == ("ready", me["email"])
    with site.connected() as client:
        assert client.ask(type="auth", token=site.key("cameras:read")["key"])["type"] == "ready"
    ticket = site.http.post("/api/v1/auth/ticket").json()["data"]
    assert ticket["expiresIn"] <= 30
    with site.connected(f"?ticket={ticket['ticket']}") as client:
        assert client.hear()["type"] == "ready"
    with site.connected(f"?ticket={ticket['ticket']}") as client:
        assert client.closed() == 4501


def test_nobody_else_is_let_in(site: Site) -> None:
    """A wrong token, and nothing said within five seconds: closed after the accept, so that the code arrives."""
    with site.connected() as client:
        client.send(type="auth", token="no token of ours")
        assert client.closed() == 4501
    with site.connected() as client:
        assert client.error(type="subscribe", id=1, topic="cameras")["code"] == "not_authenticated"
        assert client.closed() == 4501


def test_a_token_is_renewed_without_a_break(site: Site) -> None:
    """`auth` again goes on; with somebody else's token, or a wrong one, it goes on as who it was."""
    with site.signed_in_as(site.add_user()) as other, site.let_in() as client:
        client.subscribe(1, "cameras")
        assert client.ask(type="auth", token=site.token)["type"] == "ready"
        assert client.error(type="auth", token=other.token)["code"] == "forbidden"
        assert client.error(type="auth", token="no token of ours")["code"] == "not_authenticated"
        camera = site.add_camera()
        [event] = client.events(1)
        assert event["event"]["data"]["id"] == camera["id"]


def test_a_key_that_ends_ends_the_connection(site: Site) -> None:
    """Soon, and with the code that says not to come back."""
    key = site.key("cameras:read")
    with site.let_in(key["key"]) as client:
        client.subscribe(1, "cameras")
        site.remove(f"api-keys/{key['id']}")
        assert client.closed() == 4510


def test_a_role_that_changes_ends_the_connection(site: Site) -> None:
    """Within five seconds; whoever signs in again has the rights of now."""
    user = site.add_user(role="Operator")
    with site.signed_in_as(user) as theirs:
        with theirs.let_in() as client:
            client.subscribe(1, "cameras")
            changed = {name: user[name] for name in ("email", "fullName", "active")} | {"role": "Viewer"}
            assert site.http.put(f"/api/v1/users/{user['id']}", json=changed).status_code == 200
            assert client.closed(within_s=5) == 4510
        with theirs.let_in() as client:
            client.subscribe(1, "cameras")
            assert client.error(type="subscribe", id=2, topic="system/stats")["code"] == "forbidden"


def test_each_topic_has_its_permission(site: Site) -> None:
    """Asked when it is subscribed to. Of jobs a user hears their own without it, and a key hears none."""
    with site.let_in(site.key("cameras:read")["key"]) as client:
        client.subscribe(1, "cameras")
        for number, topic in enumerate(("attendance", "sightings", "alerts", "kiosks/any", "system/stats", "jobs"), 2):
            refused = client.error(type="subscribe", id=number, topic=topic)
            assert (refused["code"], refused["id"]) == ("forbidden", number)


def test_errors_leave_it_open(site: Site) -> None:
    """Each names the message that it answers, where that has an id."""
    with site.let_in() as client:
        client.subscribe(1, "cameras")
        wrong = {
            "unknown_topic": {"type": "subscribe", "id": 2, "topic": "weather"},
            "id_in_use": {"type": "subscribe", "id": 1, "topic": "alerts"},
            "unknown_id": {"type": "unsubscribe", "id": 9},
            "not_durable": {
                "type": "subscribe", "id": 3, "topic": "system/stats", "since": {"epoch": "e", "offset": 1},
            },
        }  # fmt: skip
        for code, message in wrong.items():
            answer = client.error(**message)
            assert (answer["code"], answer["id"]) == (code, message["id"])
        assert answer["message"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "bad_request"),
        ("[]", "bad_request"),
        ('{"type":"dance"}', "bad_request"),
        ('{"type":"subscribe","id":"one","topic":"cameras"}', "bad_request"),
        ('{"type":"subscribe","id":-1,"topic":"cameras"}', "bad_request"),
        ('{"type":"subscribe","id":1,"topic":"cameras","colour":"red"}', "bad_request"),
        ('{"type":"subscribe","id":1,"topic":"cameras","since":{"epoch":"e","offset":"41"}}', "bad_request"),
        ('{"type":"ping"}' + " " * 20_000, "too_large"),
    ],
)
def test_what_is_no_message(site: Site, text: str, code: str) -> None:
    """Refused as it is, and nothing happens."""
    with site.let_in() as client:
        client.socket.send(text)
        assert client.hear()["code"] == code
        assert client.quiet()


def test_bytes_are_no_message(site: Site) -> None:
    """All messages are text."""
    with site.let_in() as client:
        client.socket.send(b'{"type":"ping"}')
        assert client.hear()["code"] == "bad_request"
        assert client.quiet()


def test_too_many_bad_messages(site: Site) -> None:
    """Some are forgiven; then it is closed for good."""
    with site.let_in() as client:
        for _ in range(11):
            client.socket.send("{")
        assert client.closed() == 4520


def test_many_messages_at_once(site: Site) -> None:
    """Whoever sends more than one may is told so, and loses nothing."""
    with site.let_in() as client:
        for _ in range(300):
            client.socket.send('{"type":"ping"}')
        answers = [client.hear() for _ in range(301)]
        assert client.quiet()
    assert [one.get("code", one["type"]) for one in answers].count("pong") == 300
    assert [one["code"] for one in answers if one["type"] == "error"] == ["rate_limited"]


def test_so_many_subscriptions(site: Site) -> None:
    """And one that is given up makes room."""
    with site.let_in() as client:
        answers = [client.ask(type="subscribe", id=number, topic="cameras") for number in range(65)]
        assert [one["type"] for one in answers] == ["subscribed"] * 64 + ["error"]
        assert answers[-1]["code"] == "too_many_subscriptions"
        assert client.ask(type="unsubscribe", id=7) == {"type": "unsubscribed", "id": 7}
        client.subscribe(64, "cameras")


def test_after_unsubscribed_nothing_comes(site: Site) -> None:
    """On this subscription; others go on."""
    with site.let_in() as client:
        client.subscribe(1, "cameras")
        client.subscribe(2, "cameras")
        assert client.ask(type="unsubscribe", id=1) == {"type": "unsubscribed", "id": 1}
        site.add_camera()
        assert [one["id"] for one in client.events(1)] == [2]
        assert client.quiet()


def test_who_goes_is_noticed(site: Site) -> None:
    """A connection that is cut costs nothing that others would notice."""
    with site.let_in() as stays:
        stays.subscribe(1, "cameras")
        for _ in range(5):
            with site.let_in() as goes:
                goes.subscribe(1, "cameras")
                goes.socket.socket.close()
        camera = site.add_camera()
        assert stays.events(1)[0]["event"]["data"]["id"] == camera["id"]
    wait_until(lambda: site.http.get("/health/ready").status_code == 200)
