"""Who may do what, from outside: roles on endpoints and topics, nobody, and a kiosk with its own token."""

import time
from collections.abc import Iterator

import pytest

from tests.journeys.client import Api
from tests.journeys.server import PASSWORD, RollcallServer

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

VIEWER = "viewer@site.example"
OPERATOR = "operator@site.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollcallServer]:
    with RollcallServer(tmp_path_factory.mktemp("permissions")) as running:
        running.add_user(VIEWER, "Viewer")  # while it runs, too
        running.add_user(OPERATOR, "Operator")
        yield running


@pytest.fixture(scope="module")
def admin(server: RollcallServer) -> Iterator[Api]:
    with server.login() as api:
        yield api


@pytest.fixture(scope="module")
def viewer(server: RollcallServer) -> Iterator[Api]:
    with server.login(VIEWER) as api:
        yield api


@pytest.fixture(scope="module")
def operator(server: RollcallServer) -> Iterator[Api]:
    with server.login(OPERATOR) as api:
        yield api


def test_a_viewer_reads_and_changes_nothing(viewer: Api) -> None:
    """What is live is open to a Viewer; whatever changes something is 403."""
    for path in ("cameras", "people", "sightings", "attendance/entries", "attendance/present", "kiosks"):
        assert viewer.get(path) == []
    person = {"fullName": "Nobody"}
    assert viewer.refusal("POST", "people", 403, json=person)["code"] == "forbidden"
    camera = {"name": "x", "source": "rtsp://127.0.0.1/live", "kind": "rtsp"}
    assert viewer.refusal("POST", "cameras", 403, json=camera)["code"] == "forbidden"
    assert viewer.refusal("PATCH", "sightings/x", 403, json={"personId": None})["code"] == "forbidden"
    assert viewer.refusal("POST", "kiosks", 403, json={"name": "x"})["code"] == "forbidden"
    assert viewer.get("auth/me")["role"] == "Viewer"


def test_an_operator_enrols_but_does_not_set_up(operator: Api) -> None:
    """People are an Operator's work; cameras and kiosks are an Admin's."""
    person = operator.add_person("Ada Lovelace")
    assert operator.refusal("DELETE", f"people/{person}", 403)["code"] == "forbidden"
    camera = {"name": "x", "source": "rtsp://127.0.0.1/live", "kind": "rtsp"}
    assert operator.refusal("POST", "cameras", 403, json=camera)["code"] == "forbidden"


def test_nobody_sees_nothing(server: RollcallServer, admin: Api) -> None:
    """Without a token, or with a false one, everything but health, login and documents is 401 in the envelope."""
    with Api(server.url) as nobody, Api(server.url, "not-a-token") as pretender:
        for path in (
            "cameras",
            "people",
            "sightings",
            "attendance/entries",
            "kiosks",
            "auth/me",
            "people/x/portrait.jpg",
        ):
            assert nobody.refusal("GET", path, 401)["code"] == "not_authenticated"
            assert pretender.raw("GET", path).status_code == 401
        assert nobody.refusal("POST", "people", 401, json={"fullName": "x"})["message"]
        wrong = nobody.refusal("POST", "auth/login", 401, json={"username": "admin@site.example", "password": "no"})
        unknown = nobody.refusal("POST", "auth/login", 401, json={"username": "who@site.example", "password": "no"})
        assert (wrong["code"], wrong["message"]) == (unknown["code"], unknown["message"])
        for path in ("/health/live", "/health/ready", "/metrics", "/openapi.json", "/asyncapi.json", "/docs", "/login"):
            assert nobody.raw("GET", path).status_code == 200
        for path in ("/", "/people"):
            answer = nobody.raw("GET", path)
            assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/login")


def test_a_role_of_ones_own_may_what_it_is_made_of(server: RollcallServer, admin: Api) -> None:
    """Made of two permissions, and changed while somebody is signed in: what is taken away is refused within 5 s."""
    role = admin.post("roles", {"name": "Porter", "permissions": ["cameras:read", "people:read"]})
    form = {"email": "porter@site.example", "fullName": "Pia Porter", "role": "Porter", "password": PASSWORD}
    admin.post("users", form)
    with server.login("porter@site.example") as porter:
        assert porter.raw("GET", "people").status_code == 200
        assert porter.get("auth/me")["permissions"] == ["cameras:read", "people:read"]
        assert porter.refusal("GET", "sightings", 403)["code"] == "forbidden"
        assert porter.refusal("POST", "people", 403, json={"fullName": "x"})["code"] == "forbidden"
        admin.call("PUT", f"roles/{role['id']}", 200, json={"name": "Porter", "permissions": ["cameras:read"]})
        give_up = time.monotonic() + 5
        while porter.raw("GET", "people").status_code == 200:
            assert time.monotonic() < give_up
            time.sleep(0.2)
        assert porter.raw("GET", "people").status_code == 403
        assert porter.get("cameras") == []
    assert admin.refusal("DELETE", f"roles/{role['id']}", 409)["code"] == "role_in_use"


def test_an_api_key_is_good_for_what_it_was_made_for(server: RollcallServer, admin: Api) -> None:
    """Told once, scoped to its permissions on the API and the socket, no account of its own, and gone at once."""
    made = admin.post("api-keys", {"name": "Payroll", "permissions": ["attendance:read"]})
    assert made["key"] not in str(admin.get("api-keys"))
    with Api(server.url, made["key"]) as program, server.subscriber(made["key"]) as hears:
        assert program.get("attendance/entries") == []
        assert program.refusal("GET", "people", 403)["code"] == "forbidden"
        for method, path in (("POST", "auth/change-password"), ("GET", "auth/sessions"), ("POST", "auth/totp")):
            assert program.refusal(method, path, 403)["code"] == "needs_a_session"
        hears.subscribe("attendance")
        assert hears.ask("sightings")["code"] == "forbidden"
        admin.call("DELETE", f"api-keys/{made['id']}", 204)
        assert hears.wait_closed() == 4510
        assert program.raw("GET", "attendance/entries").status_code == 401


def test_a_user_limited_to_a_camera_sees_no_other(server: RollcallServer, admin: Api) -> None:
    """On lists and one by one; the other camera is not even there."""
    form = {"kind": "push", "enabled": False}
    mine = admin.post("cameras", {**form, "name": "Limited: mine"})["id"]
    other = admin.post("cameras", {**form, "name": "Limited: other"})["id"]
    guard = {"email": "guard@site.example", "fullName": "Gus Guard", "role": "Operator", "cameraIds": [mine]}
    admin.post("users", {**guard, "password": PASSWORD})
    with server.login("guard@site.example") as limited:
        assert [camera["id"] for camera in limited.get("cameras")] == [mine]
        for path in (f"cameras/{other}", f"cameras/{other}/status", f"cameras/{other}/stats"):
            assert limited.refusal("GET", path, 404)["code"] == "camera_not_found"
        assert limited.refusal("POST", f"cameras/{other}/start", 404)["code"] == "camera_not_found"
        assert limited.get(f"cameras/{mine}")["id"] == mine
    for camera in (mine, other):
        admin.call("DELETE", f"cameras/{camera}", 204)


def test_a_creation_that_is_asked_for_twice_is_made_once(admin: Api) -> None:
    """Over a real connection: the same answer again, and the row of the first."""
    asked = {"json": {"fullName": "Grace Twice"}, "headers": {"Idempotency-Key": "a-key-of-this-test"}}
    first, again = admin.raw("POST", "people", **asked), admin.raw("POST", "people", **asked)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(admin.get("people", search="Grace Twice")) == 1
    admin.call("DELETE", f"people/{first.json()['data']['id']}", 204)


def test_a_socket_without_authentication_is_closed_after_the_accept(server: RollcallServer) -> None:
    """The code arrives, and it says not to come back."""
    with server.subscriber(None) as silent:
        assert silent.ask("sightings")["code"] == "not_authenticated"
        assert silent.wait_closed() == 4501
        assert [message["type"] for message in silent.messages()] == ["welcome", "error"]
    with server.subscriber(None) as pretender:
        pretender.send({"type": "auth", "token": "not-a-token"})
        assert pretender.wait_closed() == 4501


def test_topics_need_their_permission(server: RollcallServer, viewer: Api, operator: Api) -> None:
    """An error to one subscription leaves the connection open."""
    with server.subscriber(viewer.token) as hears:
        assert hears.ask("system/stats")["code"] == "forbidden"
        assert hears.ask("no/such/topic")["code"] == "unknown_topic"
        for topic in ("sightings", "attendance", "cameras", "alerts", "jobs"):  # of jobs their own
            assert hears.subscribe(topic)["recovered"] is True
    with server.subscriber(operator.token) as hears:
        hears.subscribe("system/stats")
        hears.subscribe("jobs")


def test_a_ticket_lets_in_once(server: RollcallServer, viewer: Api) -> None:
    """For programs that cannot send a first message before they are let in."""
    ticket = viewer.post("auth/ticket", status=200)["ticket"]
    with server.subscriber_with_ticket(ticket) as hears:
        hears.subscribe("sightings")
    with server.subscriber_with_ticket(ticket, refused=True) as again:
        assert again.wait_closed() == 4501


def test_a_kiosk_hears_itself_and_nothing_else(server: RollcallServer, admin: Api) -> None:
    """Paired by six digits, once; its token opens its own topic, not those of others, and not the API."""
    own, other = admin.add_kiosk("Front door"), admin.add_kiosk("Back door")
    code = admin.post(f"kiosks/{own}/pairing-code")["code"]
    assert len(code) == 6
    assert code.isdecimal()
    with Api(server.url) as screen:
        paired = screen.post("kiosks/pair", {"code": code}, status=200)
        assert paired["kiosk"]["id"] == own
        assert screen.raw("POST", "kiosks/pair", json={"code": code}).status_code == 422
    with Api(server.url, paired["token"]) as kiosk:
        assert [each["id"] for each in kiosk.get("kiosks")] == [own]
        assert kiosk.refusal("GET", f"kiosks/{other}", 403)["code"] == "forbidden"
        for path in ("people", "sightings", "attendance/entries", "cameras", "auth/me"):
            assert kiosk.refusal("GET", path, 403)["code"] == "forbidden"
    with server.subscriber(paired["token"]) as hears:
        hears.subscribe(f"kiosks/{own}")
        for topic in (f"kiosks/{other}", "sightings", "attendance", "cameras", "alerts"):
            assert hears.ask(topic)["code"] == "forbidden"
        admin.call("DELETE", f"kiosks/{own}", 204)
        assert hears.wait_closed() == 4510


def test_signing_out_ends_the_token_and_the_socket(server: RollcallServer) -> None:
    """The access token dies with its session, not a quarter of an hour later."""
    server.add_user("leaver@site.example", "Viewer", PASSWORD)
    with server.login("leaver@site.example") as api, server.subscriber(api.token) as hears:
        hears.subscribe("sightings")
        api.call("POST", "auth/logout", 204)
        assert hears.wait_closed() == 4510
        assert api.raw("GET", "cameras").status_code == 401
