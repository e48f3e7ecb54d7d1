"""PINs and badges of people: set, drawn, listed without what they are, and removed."""

import asyncio

from pydantic import Field

from server.access.codes import drawn_badge
from server.access.qr import drawn
from server.errors import Conflict
from server.events.limits import reach_of
from server.routes.check_ins import Badge, Pin
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.responses import Page
from server.store import credentials, people
from server.store.tables import Credential
from server.wire import Form, Time, Wire

RESOURCE = "people"


class CredentialPublic(Wire):
    """A PIN or a badge, without what it is."""

    id: str
    person_id: str
    kind: str = Field(description="pin or badge")
    label: str
    ending: str = Field(description="the last four characters of a badge")
    last_used_at: Time | None
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, row: Credential) -> "CredentialPublic":
        return cls.model_validate(row)


class PinForm(Form):
    pin: Pin | None = Field(None, description="6 to 12 digits; null: the server draws one")


class PinAnswer(Wire):
    """`pin` is there where the server has drawn it, in this answer only."""

    credential: CredentialPublic
    pin: str | None


class BadgeForm(Form):
    badge: Badge | None = Field(None, description="what the reader or the QR code says; null: the server draws one")
    label: str = Field("", max_length=100)


class BadgeMade(CredentialPublic):
    """A new badge. What it says, and the picture of that, are in this answer only."""

    badge: str | None = Field(description="what it says, where the server has drawn it")
    svg: str = Field(description="the same as a QR code, to be printed")


@endpoint("GET", "/people/{person_id}/credentials", allow="people:write", sorts=credentials.SORTS)
async def list_credentials(call: Call, person_id: str, query: Query) -> Page[CredentialPublic]:
    """A person's badges and PIN, without what they are."""
    async with call.parts.store.read() as session:
        await people.get(session, person_id, reach_of(call.who))
        found = await credentials.page(session, query.wanted, person_id)
    return Page.of(query.wanted, [CredentialPublic.of(row) for row in found.rows], found.total)


@endpoint("PUT", "/people/{person_id}/pin", allow="people:write", raises=(409, 429))
async def set_pin(call: Call, person_id: str, body: PinForm) -> PinAnswer:
    """Sets a person's PIN, or draws one; the one before is good no more.

    422 `weak` for one that is easy to guess, 409 `pin_taken` for somebody else's.
    """
    guard, actor_id = call.parts.access.code_guard, call.who.id
    await guard.take_setting(actor_id)  # that one is taken tells that it is somebody's
    try:
        async with call.parts.store.transaction() as session:
            person = await people.lock(session, person_id, reach_of(call.who))
            made = await call.parts.access.codes.set_pin(session, person, body.pin, await people.count(session))
            view = CredentialPublic.of(made.credential)
            await call.audit(session, "person.pin_set", RESOURCE, person_id, after={"drawn": made.drawn is not None})
    except Conflict:
        raise
    except Exception:
        await guard.good_setting(actor_id)
        raise
    await guard.good_setting(actor_id)
    return PinAnswer(credential=view, pin=made.drawn)


@endpoint("POST", "/people/{person_id}/badges", allow="people:write", status=201)
async def add_badge(call: Call, person_id: str, body: BadgeForm) -> BadgeMade:
    """One more badge of a person, as a QR code too; what it says is drawn where nothing is given.

    409 `badge_taken` for one that is somebody's, `too_many_badges` after ten.
    """
    badge = body.badge or drawn_badge()
    svg = await asyncio.to_thread(drawn, badge)
    async with call.parts.store.transaction() as session:
        person = await people.lock(session, person_id, reach_of(call.who))
        row = await call.parts.access.codes.add_badge(session, person, badge, body.label)
        view = CredentialPublic.of(row)
        await call.audit(session, "person.badge_added", RESOURCE, person_id, after=_noted(view))
    made = {"badge": badge if body.badge is None else None, "svg": svg}
    return BadgeMade.model_validate(view.model_dump() | made)


@endpoint("DELETE", "/people/{person_id}/credentials/{credential_id}", allow="people:write", status=204)
async def remove_credential(call: Call, person_id: str, credential_id: str) -> None:
    """Revokes a PIN or a badge: it is good no more."""
    async with call.parts.store.transaction() as session:
        await people.lock(session, person_id, reach_of(call.who))
        row = await credentials.lock(session, person_id, credential_id)
        call.check_unchanged(row.updated_at)
        view = CredentialPublic.of(row)
        await credentials.remove(session, row)
        await call.audit(session, f"person.{row.kind}_removed", RESOURCE, person_id, before=_noted(view))


def _noted(view: CredentialPublic) -> dict[str, object]:
    """For the audit: which one it was, not what it is."""
    return {"credentialId": view.id, "kind": view.kind, "label": view.label, "ending": view.ending}


ENDPOINTS: tuple[Endpoint, ...] = (list_credentials, set_pin, add_badge, remove_credential)
