"""Names taken out of rows of the audit; tests/access/test_audit.py has whole chains."""

from datetime import UTC, datetime

from server.access.redaction import ERASED, fits, redacted, seal
from server.store.tables import AuditRow

KEY = b"k" * 32


def row_of(
    resource: str, resource_id: str, before: dict[str, object] | None = None, after: dict[str, object] | None = None
) -> AuditRow:
    return AuditRow(
        position=1, at=datetime(2026, 1, 5, tzinfo=UTC), actor_kind="user", actor_name="ada", action="x",
        resource=resource, resource_id=resource_id, before=before, after=after, key_id="k", hash="h",
    )  # fmt: skip


def test_of_their_own_rows_all_names_go() -> None:
    """Ids, states and times stay; what is empty stays empty."""
    told: dict[str, object] = {
        "id": "p1",
        "fullName": "Ada",
        "employeeId": "7",
        "email": None,
        "externalIds": {"hr": "1"},
    }
    merged: dict[str, object] = {"person": told | {"active": True}, "other": {"id": "p9", "fullName": "A."}}
    before, after = redacted(row_of("people", "p1", before=merged, after=told), ["p1"])
    bare = {"id": "p1", "fullName": ERASED, "employeeId": ERASED, "email": None, "externalIds": ERASED}
    assert before == {"person": bare | {"active": True}, "other": {"id": "p9", "fullName": ERASED}}
    assert after == bare


def test_what_a_badge_is_called_may_name_somebody() -> None:
    """Of their own row it goes; what the badge ends in stays."""
    _, after = redacted(row_of("people", "p1", after={"kind": "badge", "label": "Ada's", "ending": "1:80"}), ["p1"])
    assert after == {"kind": "badge", "label": ERASED, "ending": "1:80"}


def test_of_other_rows_only_what_is_about_them() -> None:
    """A sighting, a warning on somebody else's photo; nobody else's name."""
    told: dict[str, object] = {
        "id": "s1", "cameraName": "Door", "person": {"id": "p1", "fullName": "Ada"},
        "warnings": [{"personId": "p1", "message": "Like Ada"}, {"personId": "p2", "message": "Like Bea"}],
    }  # fmt: skip
    before, after = redacted(row_of("sightings", "s1", before=None, after=told), ["p1"])
    assert before is None
    assert after == told | {
        "person": {"id": "p1", "fullName": ERASED},
        "warnings": [{"personId": "p1", "message": ERASED}, {"personId": "p2", "message": "Like Bea"}],
    }


def test_a_seal_is_over_the_row() -> None:
    """As it is, with the hash that it had, under a key that is known."""
    row = row_of("people", "p1", after={"fullName": ERASED})
    row.redacted = seal("k1", KEY, row)
    assert fits({"k1": KEY}, row)
    assert not fits({"k2": KEY}, row)
    assert not fits({"k1": b"x" * 32}, row)
    for changed in ({"after": {"fullName": "Bea"}}, {"hash": "other"}, {"redacted": "k1:00"}, {"redacted": "nonsense"}):
        assert not fits({"k1": KEY}, AuditRow(**row.model_dump() | changed))
