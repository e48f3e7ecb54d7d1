"""Alerts: raised once, renewed, raised again, cleared, acknowledged, listed and forgotten."""

import asyncio

import pytest

from server.errors import NotFound
from server.events.limits import Reach
from server.events.schema import StoredEvent
from server.store import alerts
from server.store.alerts import Severity, clear_alert, raise_alert
from server.store.engine import Store
from server.store.event_log import TableLog
from server.store.paging import Page
from server.store.tables import Alert
from tests.store.conftest import after


async def raised(
    store: Store,
    minutes: float,
    *,
    kind: str = "token_reused",
    subject: str = "users/1",
    message: str = "An old token was used.",
    severity: Severity = "critical",
) -> list[StoredEvent]:
    async with store.transaction() as session:
        return await raise_alert(
            session,
            TableLog(store),
            kind=kind,
            severity=severity,
            subject=subject,
            message=message,
            at=after(minutes),
        )


async def cleared(store: Store, minutes: float, kind: str = "token_reused") -> list[StoredEvent]:
    async with store.transaction() as session:
        return await clear_alert(session, TableLog(store), kind, "users/1", after(minutes))


async def acknowledged(store: Store, alert_id: str, by: str, minutes: float) -> None:
    async with store.transaction() as session:
        row = await alerts.get(session, alert_id, locked=True)
        await alerts.acknowledge(session, row, by, after(minutes))


async def rows(store: Store, **filters: object) -> list[Alert]:
    async with store.read() as session:
        return list((await alerts.page(session, Page(), **filters)).rows)  # type: ignore[arg-type]


async def test_an_open_alert_is_raised_once(store: Store) -> None:
    """The second time its time alone is renewed, and it shows what was told; one that is worse is told."""
    (event,) = await raised(store, 0)
    assert (event.topic, event.type) == ("alerts", "alert.raised")
    assert await raised(store, 5, message="Again.", severity="warning") == []
    (row,) = await rows(store)
    assert event.source == f"alerts/{row.id}"
    assert event.data == {
        "id": row.id,
        "kind": "token_reused",
        "severity": "critical",
        "subject": "users/1",
        "message": "An old token was used.",
        "sightingId": None,
        "departmentId": None,
        "snapshotUrl": None,
    }
    told = (event.data["message"], "critical")
    assert (row.message, row.severity, row.created_at, row.updated_at) == (*told, after(0), after(5))
    await raised(store, 6, subject="users/2", severity="info", message="A doubt.")
    (worse,) = await raised(store, 7, subject="users/2", severity="critical", message="No doubt.")
    assert (worse.type, worse.data["message"]) == ("alert.raised", "No doubt.")


async def test_other_kinds_and_subjects_are_other_alerts(store: Store) -> None:
    """Each is raised on its own."""
    assert len(await raised(store, 0)) == 1
    assert len(await raised(store, 0, kind="other")) == 1
    assert len(await raised(store, 0, subject="users/2")) == 1
    assert len(await rows(store)) == 3


async def test_what_happens_after_somebody_looked_is_raised_again(store: Store) -> None:
    """The same row loses its acknowledgement and everybody is told."""
    (event,) = await raised(store, 0)
    alert_id = str(event.data["id"])
    await acknowledged(store, alert_id, "ada@example.com", 1)
    (again,) = await raised(store, 2)
    (row,) = await rows(store)
    assert (again.data["id"], row.id) == (alert_id, alert_id)
    assert (row.acknowledged_at, row.acknowledged_by) == (None, None)


async def test_clearing(store: Store) -> None:
    """Once, and only what is open; afterwards the same may be raised anew."""
    assert await cleared(store, 0) == []
    (first,) = await raised(store, 1)
    assert await cleared(store, 2, kind="other") == []
    (event,) = await cleared(store, 3)
    assert (event.type, event.data["id"]) == ("alert.cleared", first.data["id"])
    assert await cleared(store, 4) == []
    (second,) = await raised(store, 5)
    assert second.data["id"] != first.data["id"]
    assert {row.cleared_at for row in await rows(store)} == {None, after(3)}


async def test_who_acknowledged_first_stays(store: Store) -> None:
    """A second acknowledgement changes nothing."""
    (event,) = await raised(store, 0)
    await acknowledged(store, str(event.data["id"]), "ada@example.com", 1)
    await acknowledged(store, str(event.data["id"]), "eve@example.com", 2)
    (row,) = await rows(store)
    assert (row.acknowledged_by, row.acknowledged_at) == ("ada@example.com", after(1))


async def test_lists(store: Store) -> None:
    """By state, by kind, by words, and for those who are limited what is about their cameras."""
    await raised(store, 0)
    await cleared(store, 1)
    await raised(store, 2, kind="camera_offline", subject="cameras/a", message="Door is dark.")
    await raised(store, 3, kind="camera_offline", subject="cameras/b")
    assert [row.subject for row in await rows(store)] == ["cameras/b", "cameras/a", "users/1"]
    assert [row.subject for row in await rows(store, state="open")] == ["cameras/b", "cameras/a"]
    assert [row.subject for row in await rows(store, state="cleared")] == ["users/1"]
    assert [row.subject for row in await rows(store, kind="token_reused")] == ["users/1"]
    limited = Reach(cameras=frozenset({"a"}))
    assert [row.subject for row in await rows(store, reach=limited)] == ["cameras/a"]
    assert len(await rows(store, reach=Reach(departments=frozenset()))) == 2
    async with store.read() as session:
        assert (await alerts.page(session, Page(search="dark door"))).total == 1
        assert [row.kind for row in (await alerts.page(session, Page(sort="-kind", page_size=1))).rows] == [
            "token_reused"
        ]
        with pytest.raises(NotFound, match="alert"):
            await alerts.get(session, "nobody")


async def test_forgetting_what_is_over(store: Store) -> None:
    """Cleared and acknowledged ones of long ago; open ones stay however old they are."""
    await raised(store, 0, subject="users/open")
    (event,) = await raised(store, 0, subject="users/seen")
    await acknowledged(store, str(event.data["id"]), "ada@example.com", 1)
    await raised(store, 0)
    await cleared(store, 60)
    async with store.transaction() as session:
        assert await alerts.forget_finished(session, after(30), TableLog(store), after(90)) == 1
    *_, last = await TableLog(store).read("alerts", 0, 100)
    assert (last.type, last.data["subject"]) == ("alert.cleared", "users/seen")  # whoever follows still had it
    assert {row.subject for row in await rows(store)} == {"users/open", "users/1"}


async def test_two_at_the_same_moment(store: Store) -> None:
    """One of them raises it, all others renew it."""
    answers = await asyncio.gather(*(raised(store, number) for number in range(6)))
    assert sorted(len(events) for events in answers) == [0, 0, 0, 0, 0, 1]
    assert len(await rows(store)) == 1
