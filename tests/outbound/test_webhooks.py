"""Webhooks as administrators make them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from server.address import ReceiverRules
from server.errors import Conflict, Forbidden, Invalid
from server.outbound.webhooks import Wanted
from server.store import alerts, webhooks
from server.store.paging import Page
from server.store.tables import Camera, Delivery, Webhook
from tests.outbound.conftest import Office
from tests.outbound.test_queueing import advanced

WANTED = Wanted("Payroll", "standard", "https://8.8.8.8/x", ("alert.raised",), None, None, True, {})


def everything(_permission: str) -> bool:
    return True


async def row_of(session: AsyncSession, webhook: Webhook) -> Webhook:
    return await session.get_one(Webhook, webhook.id)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://10.0.0.1/", "https://192.168.1.1:8080/x", "http://169.254.169.254/latest/meta-data",
     "http://[::1]/", "http://[fe80::1]/", "http://localhost/", "http://0.0.0.0/", "http://[::ffff:10.0.0.1]/"],
)  # fmt: skip
async def test_no_address_inside(office: Office, url: str) -> None:
    """Refused with the field, before anything is made."""
    office.rules = ReceiverRules()
    with pytest.raises(Invalid) as raised:
        await office.webhooks.check(replace(WANTED, url=url), everything)
    assert [(one.field, one.code) for one in raised.value.details] == [("url", "not_allowed")]


@pytest.mark.parametrize(
    "url", ["ftp://8.8.8.8/", "file:///etc/passwd", "https://", "https://8.8.8.8 /", "http://[::1"]
)
async def test_no_other_address(office: Office, url: str) -> None:
    """HTTP only, and whole."""
    with pytest.raises(Invalid) as raised:
        await office.webhooks.check(replace(WANTED, url=url), everything)
    assert [(one.field, one.code) for one in raised.value.details] == [("url", "malformed")]


async def test_a_name_that_is_not_known_yet(office: Office) -> None:
    """Is taken: each connection is looked at."""
    await office.webhooks.check(replace(WANTED, url="https://nobody.invalid/"), everything)


async def test_nobody_has_sent_what_they_may_not_read(office: Office) -> None:
    """Nor what does not exist, nor to Frappe what it has no place for."""
    with pytest.raises(Forbidden, match="alerts:read"):
        await office.webhooks.check(WANTED, lambda permission: permission != "alerts:read")
    for wanted in (replace(WANTED, types=("alert.laughed",)), replace(WANTED, kind="frappe")):
        with pytest.raises(Invalid):
            await office.webhooks.check(wanted, everything)


async def test_secrets_are_sealed(office: Office) -> None:
    """What is shown has none, and what is sealed has them all."""
    row, secret = await office.add("http://user:pa55word@127.0.0.1/x?token=abcdef")
    row = await office.load(row)
    assert row.url == "http://user@127.0.0.1/x?token=…"
    assert "pa55word" not in repr(row.model_dump())
    assert secret not in repr(row.model_dump())
    target = office.seals.open(row)
    assert target is not None
    assert (target.url, target.secret) == ("http://user:pa55word@127.0.0.1/x?token=abcdef", secret)


async def test_the_address_as_it_is_shown_stands_for_the_present_one(office: Office) -> None:
    """So that a form can be sent back as it was read; another name begins no new secret."""
    row, secret = await office.add("http://user:pa55word@127.0.0.1/x?token=abcdef")
    wanted = replace(WANTED, url=row.url, name="Other")
    async with office.store.transaction() as session:
        await office.webhooks.change(session, await row_of(session, row), wanted, await office.log.epoch(), everything)
    target = office.seals.open(await office.load(row))
    assert target is not None
    assert (target.url, target.secret) == ("http://user:pa55word@127.0.0.1/x?token=abcdef", secret)


async def test_half_an_address(office: Office) -> None:
    """One that was changed and still has what stands for a secret is asked for whole."""
    with pytest.raises(Invalid) as raised:
        await office.webhooks.check(replace(WANTED, url="https://8.8.8.8/y?token=…"), everything, "https://8.8.8.8/x")
    assert raised.value.details[0].code == "incomplete"


async def test_the_kind_stays(office: Office) -> None:
    """And cameras that are named are there."""
    row, _ = await office.add("http://127.0.0.1/x")
    async with office.store.transaction() as session:
        camera = Camera(name="C", source="0", kind="usb", role="in")
        session.add(camera)
        await session.flush()
        for wanted in (replace(WANTED, kind="frappe"), replace(WANTED, camera_ids=("nowhere",))):
            with pytest.raises(Invalid):
                await office.webhooks.change(session, await row_of(session, row), wanted, "e", everything)
        row = await office.webhooks.change(
            session, await row_of(session, row), replace(WANTED, camera_ids=(camera.id,)), "e", everything
        )
    assert row.camera_ids == [camera.id]


async def test_rotation(office: Office) -> None:
    """The one before counts for a day beside the new one; of three the oldest does not."""
    row, first = await office.add("http://127.0.0.1/x")
    secrets = [first]
    for _ in range(2):
        async with office.store.transaction() as session:
            secrets.append(await office.webhooks.rotate(session, await row_of(session, row)))
    row = await office.load(row)
    target = office.seals.open(row)
    assert target is not None
    assert (target.secret, target.previous) == (secrets[2], secrets[1])
    assert row.previous_until == office.clock.now() + timedelta(hours=24)


async def test_frappe_needs_a_login(office: Office) -> None:
    """Both halves; it keeps them when a form leaves them out, and has no secret of ours."""
    here = {"kind": "frappe", "types": ("attendance.checked_in",)}
    with pytest.raises(Invalid) as raised:
        await office.add("http://127.0.0.1/x", **here, api_key="k")
    assert raised.value.details[0].field == "frappe.apiSecret"
    row, _ = await office.add("http://127.0.0.1/x", **here, api_key="k", api_secret="s")
    wanted = replace(WANTED, kind="frappe", types=("attendance.checked_out",), url=row.url, api_key="k2")
    async with office.store.transaction() as session:
        await office.webhooks.change(session, await row_of(session, row), wanted, "e", everything)
        with pytest.raises(Conflict):
            await office.webhooks.rotate(session, await row_of(session, row))
    target = office.seals.open(await office.load(row))
    assert target is not None
    assert (target.api_key, target.api_secret) == ("k2", "s")


@pytest.mark.parametrize(
    "elsewhere", ["http://127.0.0.2/x", "https://127.0.0.1/x", "http://127.0.0.1:8080/x", "http://127.0.0.1@8.8.8.8/x"]
)
async def test_a_login_of_frappe_stays_with_its_host(office: Office, elsewhere: str) -> None:
    """Whoever may change the address gets no secret sent to another one: both halves are asked for."""
    here = {"kind": "frappe", "types": ("attendance.checked_in",)}
    row, _ = await office.add("http://127.0.0.1/x", **here, api_key="k", api_secret="s")
    wanted = replace(WANTED, kind="frappe", types=("attendance.checked_in",), url=elsewhere)
    logins: Any = ({}, "apiKey"), ({"api_key": "k"}, "apiSecret"), ({"api_secret": "t"}, "apiKey")
    for login, field in logins:
        with pytest.raises(Invalid) as raised:
            async with office.store.transaction() as session:
                await office.webhooks.change(
                    session, await row_of(session, row), replace(wanted, **login), "e", everything
                )
        assert [(one.field, one.code) for one in raised.value.details] == [(f"frappe.{field}", "missing")]
    target = office.seals.open(await office.load(row))
    assert target is not None
    assert target.url == "http://127.0.0.1/x"
    changes: Any = ("http://127.0.0.1:80/y", {}), (elsewhere, {"api_key": "k2", "api_secret": "t"})
    for url, login in changes:
        async with office.store.transaction() as session:
            changed = replace(wanted, url=url, **login)
            await office.webhooks.change(session, await row_of(session, row), changed, "e", everything)


async def queued(office: Office, *types: str, **more: Any) -> Webhook:
    """With a check-in of the camera c1, one of c2, an alert and a test that wait."""
    row, _ = await office.add("http://127.0.0.1/x", *types, **more)
    await office.happen()
    await office.happen(cameraId="c2")
    await office.happen(1, type_="alert.raised", subject="x")
    await advanced(office, row)
    async with office.store.transaction() as session:
        await office.webhooks.test(session, await row_of(session, row))
    return await office.load(row)


async def standing(office: Office, row: Webhook) -> list[tuple[str, str, str | None]]:
    return [(one.type, one.state, one.result) for one in await office.deliveries(row)]


async def test_what_waits_and_is_not_wanted_any_more(office: Office) -> None:
    """Is dead with that result, by its type and by what it is about; tests stay."""
    row = await queued(office, "attendance.checked_in", "alert.raised")
    wanted = replace(WANTED, url=row.url, types=("attendance.checked_in",))
    async with office.store.transaction() as session:
        session.add(Camera(id="c2", name="C", source="0", kind="usb", role="in"))
        await session.flush()
        for one in (wanted, replace(wanted, camera_ids=("c2",))):
            await office.webhooks.change(session, await row_of(session, row), one, row.epoch, everything)
    assert await standing(office, row) == [
        ("attendance.checked_in", "dead", "not_wanted"),
        ("attendance.checked_in", "pending", None),
        ("alert.raised", "dead", "not_wanted"),
        ("webhook.test", "pending", None),
    ]


async def test_what_waited_while_it_was_off_is_not_sent(office: Office) -> None:
    """Switched on again it begins now: nothing from before comes months later."""
    row = await queued(office, "attendance.checked_in")
    wanted = replace(WANTED, url=row.url, types=("attendance.checked_in",))
    for active in (False, True):
        async with office.store.transaction() as session:
            found = await row_of(session, row)
            await office.webhooks.change(session, found, replace(wanted, active=active), row.epoch, everything)
    assert await standing(office, row) == [
        ("attendance.checked_in", "dead", "switched_off"),
        ("attendance.checked_in", "dead", "switched_off"),
        ("webhook.test", "pending", None),
    ]


async def test_nobody_has_sent_elsewhere_what_they_may_not_read(office: Office) -> None:
    """Neither what waits, to another address, nor what is over, once more."""
    row = await queued(office, "attendance.checked_in", "alert.raised")

    def only_alerts(permission: str) -> bool:
        return permission == "alerts:read"

    wanted = replace(WANTED, types=("attendance.checked_in", "alert.raised"))
    with pytest.raises(Forbidden, match="attendance:read"):
        async with office.store.transaction() as session:
            await office.webhooks.change(session, await row_of(session, row), wanted, row.epoch, only_alerts)
    assert {state for _, state, _ in await standing(office, row)} == {"pending"}
    async with office.store.transaction() as session:
        moved = await office.webhooks.change(
            session, await row_of(session, row), replace(wanted, types=("alert.raised",)), row.epoch, only_alerts
        )
    assert moved.url == WANTED.url
    for one in await office.deliveries(row):
        async with office.store.transaction() as session:
            again = await session.get_one(Delivery, one.id)
            if one.type == "attendance.checked_in":
                with pytest.raises(Forbidden, match="attendance:read"):
                    await office.webhooks.redeliver(session, moved, again, only_alerts)
            else:
                await office.webhooks.redeliver(session, moved, again, only_alerts)


async def test_so_many_and_no_more(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a bound."""
    monkeypatch.setattr(webhooks, "MOST", 1)
    await office.add("http://127.0.0.1/x")
    with pytest.raises(Conflict):
        await office.add("http://127.0.0.1/y")


async def test_its_alert_goes_with_it(office: Office) -> None:
    """Nobody would ever clear the alert of a webhook that is removed."""
    row = await queued(office, "attendance.checked_in")
    office.clock.advance(86_400)
    async with office.store.transaction() as session:
        await office.noting.give_up(session, row, office.clock.now())
    async with office.store.transaction() as session:
        await office.webhooks.remove(session, await row_of(session, row))
    async with office.store.read() as session:
        (alert,) = (await alerts.page(session, Page())).rows
    assert alert.cleared_at == office.clock.now()
    assert office.woken == ["alerts", "alerts"]


async def test_switched_on_again_it_begins_now(office: Office) -> None:
    """What happened while it was off is not told, and what failed before is forgiven."""
    row, _ = await office.add("http://127.0.0.1/x", "alert.raised", active=False)
    async with office.store.transaction() as session:
        found = await row_of(session, row)
        found.failures, found.disabled_reason = 7, "gone"
    await office.happen(3, type_="alert.raised", subject="x")
    async with office.store.transaction() as session:
        found = await office.webhooks.change(
            session, await row_of(session, row), replace(WANTED, url=row.url), await office.log.epoch(), everything
        )
    assert (found.cursor, found.failures, found.disabled_reason) == ({"alerts": 3}, 0, None)
