"""The usual five: what documents and rules know of them."""

from server.routes.endpoint import Endpoint
from server.routes.shifts import SHIFTS
from server.routes.working_time import LEAVE


def test_five_endpoints() -> None:
    """With their methods, paths and permissions; the answers are typed."""
    made = LEAVE.endpoints
    assert [(one.method, one.path, one.allow, one.status) for one in made] == [
        ("GET", "/leave", "attendance:read", 200),
        ("POST", "/leave", "attendance:write", 201),
        ("GET", "/leave/{leave_id}", "attendance:read", 200),
        ("PUT", "/leave/{leave_id}", "attendance:write", 200),
        ("DELETE", "/leave/{leave_id}", "attendance:delete", 204),
    ]
    assert [one.handler.__name__ for one in made] == [
        "list_leave", "create_leave", "get_leave", "edit_leave", "delete_leave",
    ]  # fmt: skip
    assert all(one.summary.endswith(".") for one in made)


def test_edits_and_creations_are_known_as_such() -> None:
    """So that If-Match and Idempotency-Key count."""
    by_method: dict[str, list[Endpoint]] = {}
    for one in SHIFTS.endpoints:
        by_method.setdefault(one.method, []).append(one)
    assert by_method["PUT"][0].edits
    assert by_method["DELETE"][0].edits
    assert by_method["POST"][0].creates
    assert all(one.keeps for one in by_method["GET"])
