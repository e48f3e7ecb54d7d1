"""Webhooks as administrators make them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from server.address import ReceiverRules
from server.errors import Conflict, Forbidden, Invalid
from server.outbound.webhooks import Wanted
from server.store import webhooks
from server.store.tables import Camera, Webhook
from tests.outbound.conftest import Office

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
        await office.webhooks.change(session, await row_of(session, row), wanted, await office.log.epoch())
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
                await office.webhooks.change(session, await row_of(session, row), wanted, "e")
        row = await office.webhooks.change(
            session, await row_of(session, row), replace(WANTED, camera_ids=(camera.id,)), "e"
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
        await office.webhooks.change(session, await row_of(session, row), wanted, "e")
        with pytest.raises(Conflict):
            await office.webhooks.rotate(session, await row_of(session, row))
    target = office.seals.open(await office.load(row))
    assert target is not None
    assert (target.api_key, target.api_secret) == ("k2", "s")


async def test_so_many_and_no_more(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a bound."""
    monkeypatch.setattr(webhooks, "MOST", 1)
    await office.add("http://127.0.0.1/x")
    with pytest.raises(Conflict):
        await office.add("http://127.0.0.1/y")


async def test_switched_on_again_it_begins_now(office: Office) -> None:
    """What happened while it was off is not told, and what failed before is forgiven."""
    row, _ = await office.add("http://127.0.0.1/x", "alert.raised", active=False)
    async with office.store.transaction() as session:
        found = await row_of(session, row)
        found.failures, found.disabled_reason = 7, "gone"
    await office.happen(3, type_="alert.raised", subject="x")
    async with office.store.transaction() as session:
        found = await office.webhooks.change(
            session, await row_of(session, row), replace(WANTED, url=row.url), await office.log.epoch()
        )
    assert (found.cursor, found.failures, found.disabled_reason) == ({"alerts": 3}, 0, None)
