"""Check-ins with a PIN or a badge, over HTTP."""

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import httpx
import pytest
from sqlmodel import SQLModel, col, select

from server.parts import Parts
from server.store.tables import Alert, Consent, Credential, Entry, EventRow, IdempotentAnswer, Photo
from tests.routes.doors import BADGE, PIN, at, door_of, somebody

MINUTE = timedelta(minutes=1)


async def rows(parts: Parts) -> list[Entry]:
    async with parts.store.read() as session:
        return list((await session.exec(select(Entry).order_by(col(Entry.at), Entry.id))).all())


async def told(parts: Parts, topic: str) -> list[EventRow]:
    async with parts.store.read() as session:
        return list(
            (await session.exec(select(EventRow).where(EventRow.topic == topic).order_by(col(EventRow.offset)))).all()
        )


def refusal(answer: httpx.Response) -> tuple[int, str, list[tuple[str, str]]]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], [(one["field"], one["code"]) for one in error.get("details", [])]


async def test_a_pin_makes_an_entry(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """With the server's time, the device's beside it, an event and a greeting; and no more on the wire than that."""
    ada, door = await somebody(parts), await door_of(parts, anyone)
    door.ahead = timedelta(hours=2)
    now = parts.clock.now()
    found = await door.enters(typed_ago=timedelta(seconds=1))
    [entry] = await rows(parts)
    assert found == {
        "entryId": entry.id, "name": "Ada Lovelace", "photoUrl": None, "direction": "in",
        "at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "shift": None, "lateMinutes": None,
        "hint": None, "kept": False,
    }  # fmt: skip
    assert (entry.person_id, entry.origin, entry.kiosk_id, entry.at) == (ada.id, "code", door.kiosk_id, now)
    assert entry.device_at == now + door.ahead - timedelta(seconds=1)
    assert entry.device_offset_ms == 7_200_000
    [event] = await told(parts, "attendance")
    assert (event.type, event.source) == ("attendance.checked_in", f"kiosks/{door.kiosk_id}")
    assert event.data["entryId"] == entry.id
    [greeting] = await told(parts, f"kiosks/{door.kiosk_id}")
    assert greeting.type == "kiosk.greeting"
    assert {name: greeting.data[name] for name in ("name", "direction", "at", "hint")} == {
        "name": "Ada Lovelace", "direction": "in", "at": found["at"], "hint": None,
    }  # fmt: skip


async def test_in_and_out_by_turns_with_a_cool_down_between(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """Again within five minutes it is recorded already; after them it is the other direction."""
    await somebody(parts)
    door = await door_of(parts, anyone)
    first = await door.enters()
    parts.clock.advance(60)  # type: ignore[attr-defined]
    again = await door.enters()
    assert (again["entryId"], again["hint"]) == (first["entryId"], "already_recorded")
    assert len(await told(parts, "attendance")) == 1
    assert [one.data["hint"] for one in await told(parts, f"kiosks/{door.kiosk_id}")] == [None, "already_recorded"]
    parts.clock.advance(300)  # type: ignore[attr-defined]
    assert (await door.enters())["direction"] == "out"


async def test_a_kiosk_for_one_direction(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """Whoever types a code at the way out goes; at another kiosk there is no cool-down of the first."""
    await somebody(parts)
    way_in = await door_of(parts, anyone, "In", role="in")
    way_out = await door_of(parts, anyone, "Out", role="out")
    assert (await way_out.enters())["direction"] == "out"
    assert (await way_in.enters())["direction"] == "in"


async def test_a_badge(parts: Parts, anyone: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    """Checks in as well, says when it was used last, and is good no more once it is removed."""
    ada, door = await somebody(parts, pin=None), await door_of(parts, anyone)
    url = f"/api/v1/people/{ada.id}"
    badge = (await admin.post(f"{url}/badges", json={"badge": BADGE, "label": "Blue"})).json()["data"]
    assert (badge["kind"], badge["ending"], badge["lastUsedAt"]) == ("badge", BADGE[-4:], None)
    await door.enters(badge=BADGE)
    [listed] = (await admin.get(f"{url}/credentials")).json()["data"]
    assert datetime.fromisoformat(listed["lastUsedAt"]) == parts.clock.now()
    assert (await admin.delete(f"{url}/credentials/{badge['id']}")).status_code == 204
    assert refusal(await door.send(badge=BADGE)) == (422, "code_not_accepted", [("badge", "not_accepted")])


async def test_nobody_learns_why_a_code_is_not_good(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """Wrong, unknown, and of somebody who is not active are answered alike, and make nothing."""
    await somebody(parts, active=False)
    door = await door_of(parts, anyone)
    answers = [await door.send(key="a", pin=PIN), await door.send(key="b", pin="759302")]
    assert {one.text.partition('"requestId"')[0] for one in answers} == {answers[0].text.partition('"requestId"')[0]}
    assert refusal(answers[0]) == (422, "code_not_accepted", [("pin", "not_accepted")])
    assert await rows(parts) == []
    async with parts.store.read() as session:  # the keys are free: a good code may come under them
        assert (await session.exec(select(IdempotentAnswer))).all() == []


async def test_only_the_kiosk_itself(parts: Parts, admin: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """Neither an administrator nor another kiosk, and its token opens nothing else that changes something."""
    await somebody(parts)
    door, other = await door_of(parts, anyone), await door_of(parts, anyone, "Other")
    form = {"pin": PIN, "deviceTime": parts.clock.now().isoformat()}
    assert refusal(await admin.post(f"/api/v1/kiosks/{door.kiosk_id}/check-ins", json=form))[:2] == (403, "forbidden")
    other.kiosk_id = door.kiosk_id
    assert refusal(await other.send())[:2] == (403, "forbidden")
    bearer = {"Authorization": f"Bearer {door.token}"}
    asked = await anyone.post("/api/v1/attendance/entries", json={}, headers=bearer)
    assert asked.status_code == 403


async def test_a_kiosk_takes_what_it_is_set_to_take(
    parts: Parts, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    """A kiosk for badges refuses a PIN, whoever's it is."""
    await somebody(parts)
    door = await door_of(parts, anyone)
    url = f"/api/v1/kiosks/{door.kiosk_id}"
    changed = (await admin.put(url, json={"name": "Hall", "means": ["badge", "badge"], "role": "in"})).json()["data"]
    assert (changed["means"], changed["role"]) == (["badge"], "in")
    assert refusal(await door.send()) == (422, "means_not_allowed", [("pin", "means_not_allowed")])
    assert (await admin.put(url, json={"name": "Hall", "means": []})).status_code == 422
    assert (await admin.put(url, json={"name": "Hall", "role": "monitor"})).status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "pin"),
        ({"pin": PIN, "badge": BADGE}, "pin"),
        ({"pin": "12"}, "pin"),
        ({"pin": "48291x"}, "pin"),
        ({"pin": "\u0664\u0668\u0662\u0669\u0661\u0663"}, "pin"),  # digits, but of another script
        ({"badge": "x"}, "badge"),
        ({"pin": PIN, "deviceTime": "2026-01-05T08:00:00"}, "deviceTime"),
        ({"pin": PIN, "kind": "x"}, "kind"),
    ],
)
async def test_what_is_wrong_is_named(
    parts: Parts, anyone: httpx.AsyncClient, body: dict[str, str], field: str
) -> None:
    """Neither or both, a PIN that is none, a time without its zone, a field that is not known."""
    door = await door_of(parts, anyone)
    form = {"deviceTime": parts.clock.now().isoformat()} | body
    url = f"/api/v1/kiosks/{door.kiosk_id}/check-ins"
    answer = await anyone.post(url, json=form, headers={"Authorization": f"Bearer {door.token}"})
    assert answer.status_code == 422, answer.text
    assert field in [one["field"] for one in answer.json()["error"]["details"]]


async def test_what_was_kept_while_offline_is_entered_when_it_was(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """By the server's clock, with the direction of then; nobody is greeted who has long gone in."""
    await somebody(parts)
    door = await door_of(parts, anyone)
    door.ahead = timedelta(hours=-3)
    now = parts.clock.now()
    out = await door.enters()
    came = await door.enters(typed_ago=90 * MINUTE)
    assert (at(came), came["direction"], came["kept"], came["photoUrl"]) == (now - 90 * MINUTE, "in", True, None)
    assert out["direction"] == "in"  # guessed before the earlier one was known; days make it out
    assert [one.device_offset_ms for one in await rows(parts)] == [-10_800_000] * 2
    assert len(await told(parts, "attendance")) == 2
    assert len(await told(parts, f"kiosks/{door.kiosk_id}")) == 1


async def test_a_late_arrival_turns_the_day_round(
    parts: Parts, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    """The working day is worked out from all entries: in at the time that was kept, out at the later one."""
    ada, door = await somebody(parts), await door_of(parts, anyone)
    await door.enters()
    await door.enters(typed_ago=90 * MINUTE)
    day = parts.clock.now().date().isoformat()
    params = {"from": day, "to": day, "personId": ada.id}
    [found] = (await admin.get("/api/v1/attendance/days", params=params)).json()["data"]
    assert (found["status"], found["workedMinutes"]) == ("present", 90)


async def test_a_locked_day_stays_and_says_what_came_late(
    parts: Parts, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    """As with every late arrival: the day reads as it was paid, the rest is its adjustment."""
    ada, door = await somebody(parts), await door_of(parts, anyone)
    yesterday = (parts.clock.now() - timedelta(days=1)).date().isoformat()
    assert (await admin.post("/api/v1/attendance/locks", json={"through": yesterday})).status_code == 201
    for ago in (timedelta(hours=25), timedelta(hours=24)):
        assert (await door.enters(typed_ago=ago))["kept"]
    params = {"from": yesterday, "to": yesterday, "personId": ada.id}
    [found] = (await admin.get("/api/v1/attendance/days", params=params)).json()["data"]
    assert (found["locked"], found["workedMinutes"], found["adjustment"]["workedMinutes"]) == (True, 0, 60)


async def test_without_word_of_its_clock_the_kiosk_is_known_from_before(
    parts: Parts, anyone: httpx.AsyncClient
) -> None:
    """The offset of its last check-in holds for what it kept."""
    await somebody(parts)
    door = await door_of(parts, anyone)
    door.ahead = timedelta(hours=2)
    assert refusal(await door.send(says_when=False)) == (422, "validation_failed", [("deviceTime", "in_the_future")])
    await door.enters()
    kept = await door.enters(typed_ago=30 * MINUTE, says_when=False)
    assert (at(kept), kept["kept"]) == (parts.clock.now() - 30 * MINUTE, True)


async def test_what_cannot_be_is_refused(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """More than a week ago, or typed after it was sent."""
    await somebody(parts)
    door = await door_of(parts, anyone)
    assert refusal(await door.send(typed_ago=timedelta(days=8)))[2] == [("deviceTime", "too_long_ago")]
    assert refusal(await door.send(typed_ago=-5 * MINUTE))[2] == [("deviceTime", "in_the_future")]
    assert await rows(parts) == []


async def test_the_same_key_is_the_same_answer(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """However often, at whatever `sentAt`, with another answer to nothing else under it."""
    await somebody(parts)
    door = await door_of(parts, anyone)
    first = await door.send(key="k1")
    parts.clock.advance(400)  # type: ignore[attr-defined]
    again = await door.send(key="k1", typed_ago=timedelta(seconds=400))
    assert (again.status_code, again.json()) == (201, first.json())
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(await rows(parts)) == 1
    assert refusal(await door.send(key="k1", pin="759302"))[:2] == (422, "idempotency_key_reused")
    assert refusal(await door.send(key="no good"))[:2] == (400, "bad_idempotency_key")
    assert (await door.send(key="k2")).json()["data"]["entryId"] != first.json()["data"]["entryId"]


async def test_the_key_holds_for_longer_than_the_answer(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """After days, when what was answered is forgotten, the entry knows its key."""
    await somebody(parts)
    door = await door_of(parts, anyone)
    first = await door.enters(key="k1")
    async with parts.store.transaction() as session:
        for kept in (await session.exec(select(IdempotentAnswer))).all():
            await session.delete(kept)
    parts.clock.advance(3 * 86_400)  # type: ignore[attr-defined]
    again = await door.send(key="k1", typed_ago=timedelta(days=3))
    assert again.headers["Idempotent-Replayed"] == "true"
    told_again = again.json()["data"]
    assert [told_again[name] for name in ("entryId", "at", "direction")] == [
        first[name] for name in ("entryId", "at", "direction")
    ]
    assert len(await rows(parts)) == 1


async def test_guessing_locks_the_kiosk_and_tells_somebody(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """Ten wrong ones in five minutes; a good code is refused too, at that kiosk, until some have run out."""
    await somebody(parts)
    door, other = await door_of(parts, anyone), await door_of(parts, anyone, "Other")
    for number in range(10):
        if number == 5:
            await door.enters()  # in between, and counted as nothing
        assert refusal(await door.send(pin=f"7593{number:02d}"))[0] == 422
    for _ in range(3):
        locked = await door.send()
        assert refusal(locked)[:2] == (429, "code_input_locked")
        assert locked.headers["Retry-After"] == "300"
    await other.enters()
    async with parts.store.read() as session:
        [alert] = (await session.exec(select(Alert))).all()
    assert (alert.kind, alert.subject) == ("kiosk_codes_locked", f"kiosks/{door.kiosk_id}")
    assert len(await told(parts, "alerts")) == 1
    parts.clock.advance(301)  # type: ignore[attr-defined]
    await door.enters()


async def test_a_key_that_was_used_is_no_way_around(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """Whoever knows one could try PINs on what it stands for: that counts as guessing, too."""
    await somebody(parts)
    door = await door_of(parts, anyone)
    await door.enters(key="k1")
    for number in range(10):
        assert refusal(await door.send(key="k1", pin=f"7593{number:02d}"))[:2] == (422, "idempotency_key_reused")
    assert refusal(await door.send(key="k1"))[:2] == (429, "code_input_locked")


async def test_a_hundred_wrong_ones_are_enough_for_a_day(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """Slow guessing is guessing."""
    door = await door_of(parts, anyone)
    for number in range(100):
        assert refusal(await door.send(pin=f"759{number:03d}"))[0] == 422
        parts.clock.advance(60)  # type: ignore[attr-defined]
    assert refusal(await door.send())[:2] == (429, "code_input_locked")


async def test_a_portrait_for_whom_the_kiosk_has_greeted(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """Its address is in the answer and opens for five minutes; whoever has said no to their face is not shown."""
    ada, door = await somebody(parts), await door_of(parts, anyone)
    await parts.objects.put("people/x/face.jpg", b"jpeg")
    photo = Photo(
        person_id=ada.id, object_key="people/x/face.jpg", portrait_key="people/x/face.jpg", width=1, height=1, box=[],
        quality={},
    )  # fmt: skip
    async with parts.store.transaction() as session:
        session.add(photo)
    url = f"/api/v1/kiosks/{door.kiosk_id}/portraits/{ada.id}.jpg"
    bearer = {"Authorization": f"Bearer {door.token}"}
    assert (await anyone.get(url, headers=bearer)).status_code == 404
    assert (await door.enters())["photoUrl"] == url
    assert (await anyone.get(url, headers=bearer)).status_code == 200
    parts.clock.advance(400)  # type: ignore[attr-defined]
    assert (await anyone.get(url, headers=bearer)).status_code == 404
    said_no = Consent(
        person_id=ada.id, state="withdrawn", text_version="1", at=datetime(2026, 1, 5, tzinfo=UTC), how="paper",
        noted_by="x",
    )  # fmt: skip
    async with parts.store.transaction() as session:
        session.add(said_no)
    assert (await door.enters())["photoUrl"] is None


async def test_no_code_is_readable_anywhere(parts: Parts, admin: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """Neither in a row, nor in an answer that is kept, nor in the audit; not even as a plain hash."""
    ada, door = await somebody(parts, pin=None), await door_of(parts, anyone)
    url = f"/api/v1/people/{ada.id}"
    headers = {"Idempotency-Key": "b1"}
    assert (await admin.put(f"{url}/pin", json={"pin": PIN})).status_code == 200
    assert (await admin.post(f"{url}/badges", json={"badge": BADGE}, headers=headers)).status_code == 201
    await door.enters(key="k1")
    async with parts.store.engine.connect() as connection:
        found = ""
        for table in SQLModel.metadata.tables.values():
            found += str((await connection.execute(table.select())).all())
    for secret in (PIN, BADGE):
        for kind in ("pin", "badge"):
            for content in (secret, f'{{"{kind}":"{secret}"}}', f"{kind}\0{secret}"):
                assert sha256(content.encode()).hexdigest() not in found
        assert secret not in found.replace("\\x00", "")
    async with parts.store.read() as session:
        kept = (await session.exec(select(Credential))).all()
    assert {(one.kind, one.ending) for one in kept} == {("pin", ""), ("badge", BADGE[-4:])}


async def test_two_at_once_are_one(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """The same person under two keys at the same moment: the second finds the first, and the cool-down holds."""
    await somebody(parts)
    doors = [await door_of(parts, anyone, role="in")] * 2
    answers = await asyncio.gather(*(door.send(key=f"k{number}") for number, door in enumerate(doors)))
    assert sorted(one.json()["data"]["hint"] or "" for one in answers) == ["", "already_recorded"]
    assert len(await rows(parts)) == 1


async def test_of_whom_was_erased_nothing_is_told_again(
    parts: Parts, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    """Neither the answer that was kept nor one from the entry; and nothing is made a second time."""
    ada, door = await somebody(parts), await door_of(parts, anyone)
    await door.enters(key="k1")
    assert (await admin.delete(f"/api/v1/people/{ada.id}")).status_code == 204
    assert refusal(await door.send(key="k1"))[:2] == (409, "idempotency_answer_lost")
    assert refusal(await door.send(key="k2"))[:2] == (422, "code_not_accepted")
    [entry] = await rows(parts)
    assert entry.person_id is None


async def test_whom_two_people_turned_out_to_be(
    parts: Parts, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    """After a merge the other's PIN is the PIN of the one who stays."""
    ada, other = await somebody(parts, pin=None), await somebody(parts, "A. Lovelace")
    door = await door_of(parts, anyone)
    merged = await admin.post(f"/api/v1/people/{ada.id}/merge", json={"otherId": other.id})
    assert merged.status_code == 200, merged.text
    assert (await door.enters())["name"] == "Ada Lovelace"
