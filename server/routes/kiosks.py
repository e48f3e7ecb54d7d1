"""Kiosks: the screens at the doors, their pairing, and the portraits that they may show."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field
from starlette.responses import Response

from server.errors import Forbidden
from server.events.limits import reach_of
from server.events.presence import Present
from server.pipeline.shift_rules import Zone
from server.routes.endpoint import PUBLIC, Call, Endpoint, Query, endpoint
from server.routes.languages import TAG
from server.routes.pictures import picture
from server.routes.responses import Page
from server.store import entries, kiosks, photos, sightings
from server.store.tables import Kiosk
from server.store.tables.attendance import MEANS
from server.store.views import KioskPublic
from server.wire import Form, Time, Wire

GREETED_WITHIN = timedelta(minutes=5)


class KioskForm(Form):
    name: str = Field(min_length=1, max_length=200)
    camera_ids: list[str] = Field(default_factory=list, max_length=64)
    site_id: str | None = Field(None, max_length=36)
    role: Literal["in", "out", "both"] = Field(
        "both", description="what a code or a badge means here; both: the other direction of the last one that day"
    )
    means: list[Literal["face", "pin", "badge"]] = Field(
        default=["face", "pin", "badge"], min_length=1, max_length=3, description="what one may check in with"
    )
    language: str | None = Field(
        None,
        max_length=35,
        pattern=rf"^{TAG.pattern}$",
        description="with which its screen begins, such as de; null: that of the browser, as where it speaks none such",
    )
    time_zone: Zone | None = Field(None, description="of its clock, such as Europe/Berlin; null: that of the settings")


class PairingForm(Form):
    code: str = Field(pattern=r"^\d{6}$")


class KioskShown(KioskPublic):
    """A kiosk as it is stored, and its screens as they are now: those change without an edit."""

    screens: int = Field(description="how many are connected")
    screen_since: Time | None = Field(description="since when one is; null: none is")

    @classmethod
    def all(cls, call: Call, rows: Iterable[Kiosk]) -> "list[KioskShown]":
        """As they are at this moment."""
        connected = call.parts.presence.kiosks()
        return [cls._of(row, connected.get(row.id, [])) for row in rows]

    @classmethod
    def _of(cls, row: Kiosk, screens: Sequence[Present]) -> "KioskShown":
        since = min((one.since for one in screens), default=None)
        return cls(**KioskPublic.of(row).model_dump(), screens=len(screens), screen_since=since)


class PairingCode(Wire):
    code: str
    expires_at: Time


class Paired(Wire):
    token: str
    kiosk: KioskPublic


async def _need(call: Call, kiosk_id: str) -> Kiosk:
    async with call.parts.store.read() as session:
        return await kiosks.get(session, kiosk_id, reach_of(call.who))


@endpoint("GET", "/kiosks", allow="kiosks:read", sorts=kiosks.SORTS)
async def list_kiosks(call: Call, query: Query) -> Page[KioskShown]:
    """The kiosks, and whether a screen of each is connected; a kiosk sees itself only."""
    if call.who.kiosk_id is not None:
        return Page.cut(query.wanted, KioskShown.all(call, [await _need(call, call.who.kiosk_id)]))
    async with call.parts.store.read() as session:
        found = await kiosks.page(session, query.wanted, reach_of(call.who))
    return Page.of(query.wanted, KioskShown.all(call, found.rows), found.total)


@endpoint("POST", "/kiosks", allow="kiosks:write", status=201)
async def create_kiosk(call: Call, body: KioskForm) -> KioskShown:
    """A new kiosk, which greets whom these cameras see and takes codes and badges."""
    async with call.parts.store.transaction() as session:
        kiosk = Kiosk(**_fields(body))
        view = KioskPublic.of(await kiosks.save_kiosk(session, kiosk, reach_of(call.who)))
        await call.audit(session, "kiosk.created", "kiosks", view.id, after=view)
        [shown] = KioskShown.all(call, [kiosk])
    return shown


@endpoint("GET", "/kiosks/{kiosk_id}", allow="kiosks:read")
async def get_kiosk(call: Call, kiosk_id: str) -> KioskShown:
    """One kiosk, and whether a screen of it is connected."""
    _only_own(call, kiosk_id)
    [shown] = KioskShown.all(call, [await _need(call, kiosk_id)])
    return shown


@endpoint("PUT", "/kiosks/{kiosk_id}", allow="kiosks:write")
async def edit_kiosk(call: Call, kiosk_id: str, body: KioskForm) -> KioskShown:
    """Changes its name and cameras, which way it leads, what it takes, and with which language and clock it begins."""
    async with call.parts.store.transaction() as session:
        kiosk = await kiosks.lock(session, kiosk_id, reach_of(call.who))
        call.check_unchanged(kiosk.updated_at)
        before = KioskPublic.of(kiosk)
        for name, value in _fields(body).items():
            setattr(kiosk, name, value)
        view = KioskPublic.of(await kiosks.save_kiosk(session, kiosk, reach_of(call.who)))
        await call.audit(session, "kiosk.changed", "kiosks", kiosk_id, before=before, after=view)
        [shown] = KioskShown.all(call, [kiosk])
    call.parts.access.forget()  # which cameras its screen may show
    call.parts.hub.revoked()
    return shown


@endpoint("DELETE", "/kiosks/{kiosk_id}", allow="kiosks:delete", status=204)
async def delete_kiosk(call: Call, kiosk_id: str) -> None:
    """Removes a kiosk; its screen is signed out."""
    async with call.parts.store.transaction() as session:
        kiosk = await kiosks.lock(session, kiosk_id, reach_of(call.who))
        call.check_unchanged(kiosk.updated_at)
        await kiosks.remove(session, kiosk)
        await call.audit(session, "kiosk.removed", "kiosks", kiosk_id, before=KioskPublic.of(kiosk))
    call.parts.access.forget()
    call.parts.hub.revoked()


@endpoint("POST", "/kiosks/{kiosk_id}/pairing-code", allow="kiosks:write", status=201)
async def make_pairing_code(call: Call, kiosk_id: str) -> PairingCode:
    """Six digits to type on the screen once.

    403 `limited`: a screen greets the people of all departments, so whoever is limited to some cannot pair one.
    """
    await _need(call, kiosk_id)
    if call.who.only_departments is not None:
        raise Forbidden("A screen greets the people of all departments.", code="limited")
    code = await call.parts.access.pairing_code(kiosk_id)
    async with call.parts.store.transaction() as session:
        await call.audit(session, "kiosk.pairing_code_made", "kiosks", kiosk_id, after={"expires_at": code.expires_at})
    return PairingCode.model_validate(code)


@endpoint("POST", "/kiosks/pair", allow=PUBLIC, raises=(429,))
async def pair_kiosk(call: Call, body: PairingForm) -> Paired:
    """The screen's own token, for the code that an operator has made."""
    address = call.request.client.host if call.request.client else ""
    paired = await call.parts.access.pair(body.code, address)
    async with call.parts.store.transaction() as session:
        kiosk = await kiosks.get(session, paired.kiosk_id)
        await call.audit(session, "kiosk.paired", "kiosks", kiosk.id)
    return Paired(token=paired.token, kiosk=KioskPublic.of(kiosk))


@endpoint("GET", "/kiosks/{kiosk_id}/portraits/{person_id}.jpg", allow="kiosks:read")
async def kiosk_portrait(call: Call, kiosk_id: str, person_id: str) -> Response:
    """The portrait of somebody whom this kiosk has just greeted."""
    _only_own(call, kiosk_id)
    kiosk = await _need(call, kiosk_id)
    async with call.parts.store.read() as session:
        # A screen at the door must not be a way to look up faces: only who was seen there a moment ago.
        since = call.parts.clock.now() - GREETED_WITHIN
        seen = await sightings.any_since(session, person_id, kiosk.camera_ids, since)
        seen = seen or await entries.any_at_kiosk(session, person_id, kiosk.id, since)
        photo = await photos.newest(session, person_id, reach_of(call.who)) if seen else None
    return await picture(call.request, call.parts.objects, photo.portrait_key if photo else None)


def _fields(body: KioskForm) -> dict[str, Any]:
    """Each way of checking in once, in one order."""
    return body.model_dump() | {"means": [one for one in MEANS if one in body.means]}


def _only_own(call: Call, kiosk_id: str) -> None:
    if call.who.kiosk_id is not None and call.who.kiosk_id != kiosk_id:
        raise Forbidden("This screen is paired as another kiosk.")


ENDPOINTS: tuple[Endpoint, ...] = (
    list_kiosks, create_kiosk, get_kiosk, edit_kiosk, delete_kiosk, make_pairing_code, pair_kiosk, kiosk_portrait,
)  # fmt: skip
