"""Check-ins at a kiosk with a PIN or a badge: once each, however often the screen has to send one."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints
from sqlmodel.ext.asyncio.session import AsyncSession

from server.access.codes import Kind
from server.attendance.device_time import KEPT_FOR, Moment, moment_of
from server.errors import Detail, Invalid, TooMany
from server.events.schema import StoredEvent
from server.pipeline import check_in as rules
from server.pipeline.attend import Local
from server.routes.endpoint import KIOSK, Call, Endpoint, endpoint
from server.routes.idempotent import Keyed, answer_lost
from server.store import alerts, entries, kiosks
from server.store.idempotency import REUSED, Claim
from server.store.tables import Credential, Kiosk, Person
from server.store.views import ShiftBrief
from server.store.writes import locked
from server.wire import Form, Time, Wire
from server.wire import Moment as MomentIn

Pin = Annotated[str, StringConstraints(pattern=r"^[0-9]{6,12}$")]
Badge = Annotated[str, StringConstraints(min_length=6, max_length=128)]
LOCKED = "kiosk_codes_locked"  # of the alert
IMPLAUSIBLE = {
    "in_the_future": "This time is still to come by the device's own clock. Send sentAt, or set its clock.",
    "too_long_ago": f"A check-in is taken for {KEPT_FOR.days} days. This one is older.",
}


class CheckInForm(Form):
    """Exactly one of `pin` and `badge`."""

    pin: Pin | None = Field(None, description="6 to 12 digits")
    badge: Badge | None = Field(None, description="what the reader or the QR code says")
    device_time: MomentIn = Field(description="when it was typed or read, by the device's own clock")
    sent_at: MomentIn | None = Field(
        None, description="the device's own clock as this request leaves: tells how far off it is"
    )


class CheckedIn(Wire):
    """What the screen needs, and nothing else."""

    entry_id: str
    name: str
    photo_url: str | None = Field(description="null without a photo, and for one that was kept while offline")
    direction: str
    at: Time = Field(description="by the server's clock")
    shift: ShiftBrief | None
    late_minutes: int | None
    hint: str | None = Field(description="already_recorded within the cool-down: the entry is the one before")
    kept: bool = Field(description="it was kept while offline")

    @classmethod
    def of(cls, found: rules.CheckedIn) -> "CheckedIn":
        return cls(
            entry_id=found.entry.id, name=found.person.full_name, photo_url=found.photo_url,
            direction=found.entry.direction, at=found.entry.at, shift=found.shift, late_minutes=found.late_minutes,
            hint=found.hint, kept=found.kept,
        )  # fmt: skip


Given = tuple[Kind, str]
EXAMPLE: dict[str, Any] = {
    "pin": "48291375", "deviceTime": "2026-01-05T09:00:00.000+01:00", "sentAt": "2026-01-05T09:00:01.000+01:00",
}  # fmt: skip


@endpoint(
    "POST", "/kiosks/{kiosk_id}/check-ins", allow=KIOSK, status=201, raises=(429,), settles=True, example=EXAMPLE
)  # fmt: skip
async def check_in_at_kiosk(call: Call, kiosk_id: str, body: CheckInForm) -> CheckedIn:
    """Somebody checks in, or out, with a PIN or a badge.

    The server's clock decides. What the screen has kept while offline (`sentAt` is later than `deviceTime` by more than
    30 s; without `sentAt`, it is older than 60 s by the offset known from before) is entered at the time that it was by
    the server's clock, up to 7 days back. Under one `Idempotency-Key` it is entered once, whatever fails on the way,
    also after 24 h.

    422 `code_not_accepted` for what is wrong, unknown, revoked or of somebody who is not active, all alike; 422
    `means_not_allowed` where the kiosk does not take it. 429 `code_input_locked` after 10 wrong ones in 5 minutes or
    100 in a day.
    """
    given, guard = _given(body), call.parts.access.code_guard
    keyed = Keyed.of(call, f"{given[0]}\0{given[1]}\0{body.device_time.isoformat()}".encode())
    await guard.ask(kiosk_id)
    try:
        await guard.take(kiosk_id)
    except TooMany:
        if await guard.is_news(kiosk_id):
            await _alert(call, kiosk_id)
        raise
    try:
        answer = await _once(call, kiosk_id, given, body, keyed)
    except Exception as error:
        # Nobody has guessed, whatever it was; but that a key was used for another code tells that this one is wrong.
        if getattr(error, "code", None) != REUSED:
            await guard.good(kiosk_id)
        raise
    if answer is None:
        raise _refused(given[0], "code_not_accepted", "This is not known here.", "not_accepted")
    await guard.good(kiosk_id)
    return answer


async def _once(
    call: Call, kiosk_id: str, given: Given, body: CheckInForm, keyed: Keyed | None
) -> CheckedIn | None:  # fmt: skip
    """What it made, or made before; None for a code that is nobody's. Entry, answer and events are one transaction."""
    stored: list[StoredEvent] = []
    async with call.parts.store.transaction() as session:
        kiosk = await kiosks.get(session, kiosk_id)
        claim = await keyed.claim(session) if keyed is not None else None
        if keyed is not None and (before := await _before(call, session, kiosk, keyed, claim)) is not None:
            return before
        moment = await _moment(call, session, kiosk, given[0], body)
        known = await _known(call, session, given)
        if known is None:
            if keyed is not None and isinstance(claim, Claim):
                await keyed.release(session, claim)
            return None
        credential, person = known
        now = call.parts.clock.now()
        await call.parts.access.codes.note_use(session, credential, *given, now)
        request_key = keyed.key_hash if keyed is not None else None
        found = await rules.check_in(session, kiosk, person, moment, body.device_time, _local(call), request_key)
        answer = CheckedIn.of(found)
        stored = await call.parts.recorder.append(session, rules.events(kiosk, found, now))
        if keyed is not None and isinstance(claim, Claim):
            await keyed.keep(session, claim, answer, person.id)
    call.parts.recorder.wake(stored)
    return answer


async def _before(
    call: Call, session: AsyncSession, kiosk: Kiosk, keyed: Keyed, claim: Claim | bytes | None
) -> CheckedIn | None:
    """What was answered under this key, or what can still be said of the entry that it made; None where it is new."""
    answer = keyed.opened(claim, CheckedIn) if isinstance(claim, bytes) else None
    if answer is not None:
        return answer
    made = await entries.of_request(session, keyed.key_hash)
    person = await session.get(Person, made.person_id) if made is not None and made.person_id else None
    if made is not None and person is not None:
        keyed.mark_given_again()
        return CheckedIn.of(
            await rules.told_of(session, kiosk, person, made, _local(call), call.parts.clock.now(), kept=True)
        )  # fmt: skip
    if made is not None or isinstance(claim, bytes):
        raise answer_lost()
    return None


async def _moment(call: Call, session: AsyncSession, kiosk: Kiosk, kind: Kind, body: CheckInForm) -> Moment:
    """When it was. Raises Invalid for what this kiosk does not take, and for a time that cannot be."""
    if kind not in kiosk.means:
        raise _refused(kind, "means_not_allowed", "This kiosk does not take it.")
    known_ms = await entries.offset_of_kiosk(session, kiosk.id) if body.sent_at is None else None
    now = call.parts.clock.now()
    moment = moment_of(body.device_time, now, sent_at=body.sent_at, known_offset_ms=known_ms)
    if isinstance(moment, str):
        raise Invalid.field("deviceTime", moment, IMPLAUSIBLE[moment])
    return moment


async def _known(call: Call, session: AsyncSession, given: Given) -> tuple[Credential, Person] | None:
    """Whose it is, locked; nobody who is not active."""
    credential = await call.parts.access.codes.find(session, *given)
    while credential is not None:
        person = await locked(session, Person, credential.person_id)
        # Whoever takes a code away, sets another or makes two people one locks them too, and may have been faster.
        credential = await call.parts.access.codes.find(session, *given)
        if credential is not None and person is not None and credential.person_id == person.id:
            return (credential, person) if person.active else None
    return None


async def _alert(call: Call, kiosk_id: str) -> None:
    """Somebody should look who stands there."""
    async with call.parts.store.transaction() as session:
        kiosk = await kiosks.get(session, kiosk_id)
        stored = await alerts.raise_alert(
            session, call.parts.recorder, kind=LOCKED, severity="warning", subject=f"kiosks/{kiosk_id}",
            message=f"Many codes were wrong at {kiosk.name}. It takes none for a while.", at=call.parts.clock.now(),
        )  # fmt: skip
    call.parts.recorder.wake(stored)


def _given(body: CheckInForm) -> Given:
    if body.pin is not None and body.badge is None:
        return "pin", body.pin
    if body.badge is not None and body.pin is None:
        return "badge", body.badge
    raise Invalid.field("pin", "one_of", "Send a PIN or a badge, one of the two.")


def _refused(kind: Kind, code: str, message: str, detail: str | None = None) -> Invalid:
    return Invalid(message, code=code, details=(Detail(kind, detail or code, message),))


def _local(call: Call) -> Local:
    return Local(call.parts.runtime.current.attendance, call.parts.zone)


ENDPOINTS: tuple[Endpoint, ...] = (check_in_at_kiosk,)
