"""The requests that should succeed: the description's own examples, with the rows of whoever asks put in."""

from collections.abc import Callable, Mapping
from typing import Any

from schemathesis import Case

from server.access.codes import drawn_pin
from server.ids import new_id
from server.routes.endpoint import Endpoint
from tests.e2e.site import Caller, Site, named
from tests.opened import PASSWORD

# There may be one of each only.
UNIQUE: Mapping[str, Callable[[], str]] = {
    "name": lambda: f"Example {new_id()}",
    "email": lambda: f"{new_id()}@example.com",
    "employeeId": new_id,
    "badge": new_id,
    "serialNumber": new_id,
    "pin": lambda: drawn_pin(9999),
}


def example(site: Site, caller: Caller, one: Endpoint, api: Any) -> Case[Any]:
    """`api` is the description as Schemathesis reads it."""
    operation = api[one.url][one.method]
    described: Mapping[str, Any] = operation.definition.raw
    parameters = [each for each in described["parameters"] if each["in"] == "query"]
    query = {each["name"]: each["example"] for each in parameters if each.get("example") not in (None, "")}
    if one.path.startswith("/iclock/"):
        query = {"SN": caller.ids["serial"], **({"table": "ATTLOG"} if one.method == "POST" else {})}
    if one.key_in_address:
        query.pop("key", None)  # whoever asks is somebody already
    query.pop("only", None)  # what there is to be dismissed is over by then
    given: dict[str, Any] = {"query": caller.link if "key" in one.path_names else with_rows(query, caller, one)}
    for kind, content in described.get("requestBody", {}).get("content", {}).items():
        given |= {"media_type": kind, "body": _body(site, caller, one, kind, content)}
    found: Case[Any] = operation.Case(path_parameters={name: caller.ids[name] for name in one.path_names}, **given)
    return found


def _body(site: Site, caller: Caller, one: Endpoint, kind: str, content: Mapping[str, Any]) -> Any:
    if one.path == "/people/import":
        return {"file": f"fullName\nExample {new_id()}\n".encode()}
    if one.path == "/attendance/import":
        return {"file": b"employeeId,at,direction\nE-1042,2026-01-05 09:00,in\n"}
    if one.path == "/holidays/import":
        event = f"BEGIN:VEVENT\nSUMMARY:Example {new_id()}\nDTSTART;VALUE=DATE:20260501\nEND:VEVENT"
        return {"file": f"BEGIN:VCALENDAR\n{event}\nEND:VCALENDAR\n".encode()}
    if kind == "text/plain":
        return f"{new_id()}\t2026-01-05 08:00:00\t0\t1\t0\n"
    if kind == "multipart/form-data":
        return {"file": site.photo}
    if kind == "application/sdp":
        return site.offers[one.path.rpartition("/")[2]]
    if kind == "application/trickle-ice-sdpfrag":
        return _fragment(site.offers["whep" if "/whep/" in one.path else "whip"])
    body = {name: UNIQUE[name]() if name in UNIQUE else value for name, value in content["example"].items()}
    return with_rows(body, caller, one) | _of_this_site(site, caller).get(named(one), {})


def _of_this_site(site: Site, caller: Caller) -> dict[str, dict[str, Any]]:
    """What no example can know: the secrets of this server and the addresses of its cameras."""
    device, now = site.device, site.parts.clock.now().isoformat()
    return {
        "POST /auth/login": {"username": caller.email or "nobody", "password": PASSWORD, "otp": None},
        "POST /auth/refresh": {"refreshToken": caller.refresh_token or "none"},
        "POST /auth/totp/confirm": {"otp": caller.code or "000000"},
        "DELETE /auth/totp": {"otp": caller.code or "000000"},
        **{one: {"url": "https://8.8.8.8/"} for one in ("POST /webhooks", "PUT /webhooks/{webhook_id}")},
        "POST /kiosks/pair": {"code": caller.code},
        "POST /kiosks/{kiosk_id}/check-ins": {
            "pin": None, "badge": caller.badge, "deviceTime": now, "sentAt": now,
        },
        "POST /setup": {"code": site.unset.access.setup_code()},
        # Otherwise they look for their streams for ever.
        "POST /cameras": {"enabled": False},
        "PUT /cameras/{camera_id}": {"enabled": False},
        "POST /sightings/unknown/{visitor_id}/assign": {"fullName": None, "employeeId": None, "departmentId": None},
        "POST /sightings/unknown/{visitor_id}/merge": {"otherId": caller.ids["other_visitor_id"]},
        "POST /cameras/probe": {"source": str(site.film), "kind": "file"},
        "POST /cameras/profiles": {
            "address": device.url, "username": device.username, "password": device.password,
        },
    }  # fmt: skip


def with_rows(values: Mapping[str, Any], caller: Caller, one: Endpoint) -> dict[str, Any]:
    """Ids, passwords and names of what there is, for what the fields have."""
    known: dict[str, Any] = {
        "cameraIds": [caller.ids["camera_id"]],
        "departmentIds": [caller.ids["department_id"]],
        "currentPassword": PASSWORD,
        "permissions": ["cameras:read"],
    }
    if one.path.startswith("/users"):
        known["role"] = "Viewer"  # of a camera it is another word
    known |= {_camel(name): value for name, value in caller.ids.items() if name.endswith("_id")}
    return {name: known[name] if name in known and value is not None else value for name, value in values.items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def _fragment(offer: str) -> str:
    """One more candidate of whoever made the offer."""
    names = [line for line in offer.splitlines() if line.startswith(("a=ice-ufrag", "a=ice-pwd"))][:2]
    candidate = "a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host"
    return "\r\n".join([*names, "m=video 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", candidate, ""])
