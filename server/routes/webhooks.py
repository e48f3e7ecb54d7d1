"""Webhooks: which other systems are told what, what was delivered, and every try of it."""

from collections.abc import Sequence
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationInfo, field_validator

from server.errors import Forbidden, Invalid
from server.outbound import frappe
from server.outbound.queueing import TYPES
from server.outbound.webhooks import Kind, Wanted
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.responses import Page
from server.store import deliveries
from server.store.deliveries import SORTS, State, Tally
from server.store.tables import Delivery, DeliveryTry, Webhook
from server.store.webhooks import WEBHOOKS
from server.wire import Form, Time, Wire

RESOURCE = "webhooks"
NAMES = list(TYPES)
EventType = Annotated[str, Field(max_length=64, json_schema_extra={"enum": [*NAMES]})]
Id = Annotated[str, Field(max_length=36)]
EXAMPLE = {
    "name": "Payroll", "url": "https://payroll.example.com/hook", "types": ["attendance.checked_in"], "active": True,
}  # fmt: skip


class FrappeForm(Form):
    """The login and the habits of a Frappe HR."""

    api_key: str | None = Field(None, min_length=1, max_length=200, description="of a user; null keeps the present one")
    api_secret: str | None = Field(None, min_length=1, max_length=200, description="null keeps the present one")
    employee_fieldname: str = Field(
        frappe.FIELDNAME, pattern=r"^[a-z][a-z0-9_]{0,63}$",
        description="the field of Frappe's Employee that holds the `employeeId` of people here",
    )  # fmt: skip
    timezone: str | None = Field(None, max_length=64, description="of Frappe's clock; null: the site's")
    device_id: str | None = Field(
        None, max_length=140, description="what Frappe shows as the device; null: the id of the camera or kiosk"
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None, _info: ValidationInfo) -> str | None:
        try:
            return value and ZoneInfo(value).key
        except (LookupError, OSError, ValueError) as error:
            raise ValueError("is not an IANA time zone such as Europe/Berlin") from error

    @property
    def options(self) -> dict[str, str]:
        """What is no secret."""
        given = {
            "employeeFieldname": self.employee_fieldname, "timezone": self.timezone, "deviceId": self.device_id,
        }  # fmt: skip
        return {name: value for name, value in given.items() if value}


class WebhookForm(Form):
    name: str = Field(min_length=1, max_length=200)
    kind: Kind = Field("standard", description="Standard Webhooks, or the check-ins of Frappe HR")
    url: str = Field(
        min_length=1, max_length=2000, description="of Frappe: where it is, such as https://hr.example.com"
    )
    types: list[EventType] = Field(
        default_factory=list, max_length=len(NAMES), description="of events; of Frappe none means both"
    )
    camera_ids: list[Id] | None = Field(None, max_length=200, description="only what is about these; null: all")
    department_ids: list[Id] | None = Field(None, max_length=200, description="only people of these; null: all")
    active: bool = True
    frappe: FrappeForm | None = Field(None, description="of the kind `frappe`")

    def wanted(self) -> Wanted:
        """Raises Invalid."""
        is_frappe = self.kind == "frappe"
        if (self.frappe is not None) != is_frappe:
            raise Invalid.field(
                "frappe",
                "missing" if is_frappe else "not_allowed",
                "It is for the kind frappe, and is needed there.",
            )
        types: Sequence[str] = self.types or (frappe.TYPES if is_frappe else ())
        if not types:
            raise Invalid.field("types", "missing", "Say which events are to be sent.")
        login = self.frappe or FrappeForm()
        return Wanted(
            self.name, self.kind, self.url, types, self.camera_ids, self.department_ids, self.active,
            login.options if is_frappe else {}, login.api_key, login.api_secret,
        )  # fmt: skip


class FrappePublic(Wire):
    employee_fieldname: str
    timezone: str | None
    device_id: str | None


class WebhookPublic(Wire):
    id: str
    name: str
    kind: Kind
    url: str = Field(description="without its secrets; only the host for who may not change it")
    types: list[str]
    camera_ids: list[str] | None
    department_ids: list[str] | None
    active: bool
    disabled_reason: Literal["gone"] | None = Field(description="`gone`: the receiver answered 410")
    frappe: FrappePublic | None
    previous_secret_until: Time | None = Field(description="so long the secret before the present one is used too")
    failures: int = Field(description="tries that failed, one after another, up to now")
    resumes_at: Time | None = Field(description="nothing is sent before: the receiver fails or has asked for it")
    pending: int = Field(description="deliveries that wait")
    dead: int = Field(description="deliveries that came to nothing")
    last_delivered_at: Time | None
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, call: Call, row: Webhook, tally: Tally | None = None) -> "WebhookPublic":
        found, options = tally or Tally(), row.options
        login = FrappePublic(
            employee_fieldname=options.get("employeeFieldname", frappe.FIELDNAME), timezone=options.get("timezone"),
            device_id=options.get("deviceId"),
        )  # fmt: skip
        return cls.model_validate(_fields(call, row, found) | {"frappe": login if row.kind == "frappe" else None})


class WebhookMade(WebhookPublic):
    secret: str | None = Field(
        description="to check signatures with; not told again. null: this kind is not signed", examples=["whsec_…"]
    )


class TryPublic(Wire):
    at: Time
    status: int | None = Field(description="of HTTP; null: no answer came")
    duration_ms: int
    reason: str = Field(description="what came of it")
    answer: str = Field(description="how the answer begins, for who may change webhooks")


class DeliveryPublic(Wire):
    id: str
    webhook_id: str
    message_id: str = Field(description="the `webhook-id` of every try: the id of the event")
    type: str
    state: State
    result: str | None = Field(description="what came of the last try, or why it is dead")
    tries: int
    next_at: Time | None = Field(description="of one that waits")
    give_up_at: Time = Field(description="after that it is not tried again")
    finished_at: Time | None
    log: list[TryPublic] = Field(description="every try, the first first")
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, call: Call, row: Delivery, tries: Sequence[DeliveryTry] = ()) -> "DeliveryPublic":
        shows = call.who.may("events:write")
        log = [TryPublic.model_validate(one) for one in tries]
        log = log if shows else [one.model_copy(update={"answer": ""}) for one in log]
        named = row.model_dump(include=cls.model_fields.keys() - {"log", "next_at"})
        return cls.model_validate(named | {"log": log, "next_at": row.next_at if row.state == "pending" else None})


class DeliveryQuery(Query):
    state: State | None = Field(None, description="only in this state")
    type: str | None = Field(None, max_length=64, description="only of events of this type")


@endpoint("GET", "/webhooks", allow="events:read", sorts=WEBHOOKS.sorts)
async def list_webhooks(call: Call, query: Query) -> Page[WebhookPublic]:
    """The receivers of events, and how each stands."""
    _check_unlimited(call)
    async with call.parts.store.read() as session:
        found = await WEBHOOKS.page(session, query.wanted)
        tallies = await deliveries.tallies(session, [row.id for row in found.rows])
    rows = [WebhookPublic.of(call, row, tallies.get(row.id)) for row in found.rows]
    return Page.of(query.wanted, rows, found.total)


@endpoint("POST", "/webhooks", allow="events:write", status=201, raises=(409,), example=EXAMPLE)
async def create_webhook(call: Call, body: WebhookForm) -> WebhookMade:
    """A new receiver, which is told what happens from now on. Its secret is in this answer and in no other.

    422 `not_allowed`: the address is not on the public internet, nor on a network of
    `ROLLCALL_OUTBOUND__ALLOWED_NETWORKS`.
    """
    _check_unlimited(call)
    wanted, ours = body.wanted(), call.parts.outbound.webhooks
    await ours.check(wanted, call.who.may)
    epoch = await ours.epoch()
    async with call.parts.store.transaction() as session:
        row, secret = await ours.create(session, wanted, epoch)
        view = WebhookPublic.of(call, row)
        await call.audit(session, "webhook.created", RESOURCE, row.id, after=view)
    return WebhookMade(**dict(view), secret=secret)


@endpoint("GET", "/webhooks/{webhook_id}", allow="events:read")
async def get_webhook(call: Call, webhook_id: str) -> WebhookPublic:
    """One receiver."""
    _check_unlimited(call)
    async with call.parts.store.read() as session:
        row = await WEBHOOKS.get(session, webhook_id)
        tallies = await deliveries.tallies(session, [row.id])
    return WebhookPublic.of(call, row, tallies.get(row.id))


@endpoint("PUT", "/webhooks/{webhook_id}", allow="events:write", raises=(409,), example=EXAMPLE)
async def edit_webhook(call: Call, webhook_id: str, body: WebhookForm) -> WebhookPublic:
    """Changes a receiver. Its secret stays; switched on again, it is told what happens from then on.

    What waits and is not wanted any more is dead (`not_wanted`, `switched_off`). With another address the permissions
    of all that still waits are needed, and with another host of Frappe HR its login (422 `missing`).
    """
    _check_unlimited(call)
    wanted, ours = body.wanted(), call.parts.outbound.webhooks
    async with call.parts.store.read() as session:
        present = await WEBHOOKS.get(session, webhook_id)
    await ours.check(wanted, call.who.may, present.url)
    epoch = await ours.epoch()
    async with call.parts.store.transaction() as session:
        row = await WEBHOOKS.lock(session, webhook_id)
        call.check_unchanged(row.updated_at)
        tally = (await deliveries.tallies(session, [row.id])).get(row.id)
        before = WebhookPublic.of(call, row, tally)
        row = await ours.change(session, row, wanted, epoch, call.who.may)
        tally = (await deliveries.tallies(session, [row.id])).get(row.id)
        view = WebhookPublic.of(call, row, tally)
        await call.audit(session, "webhook.changed", RESOURCE, row.id, before=before, after=view)
    return view


@endpoint("DELETE", "/webhooks/{webhook_id}", allow="events:delete", status=204)
async def delete_webhook(call: Call, webhook_id: str) -> None:
    """Removes a receiver, with what waits for it and the log of its deliveries."""
    _check_unlimited(call)
    async with call.parts.store.transaction() as session:
        row = await WEBHOOKS.lock(session, webhook_id)
        call.check_unchanged(row.updated_at)
        before = WebhookPublic.of(call, row)
        await call.audit(session, "webhook.removed", RESOURCE, webhook_id, before=before)
        await call.parts.outbound.webhooks.remove(session, row)


@endpoint("POST", "/webhooks/{webhook_id}/rotate", allow="events:write", replaces=True, raises=(409,))
async def rotate_webhook(call: Call, webhook_id: str) -> WebhookMade:
    """Another secret. For 24 h each request is signed with both, so that the receiver can change over.

    409 `no_secret`: this kind is not signed.
    """
    _check_unlimited(call)
    async with call.parts.store.transaction() as session:
        row = await WEBHOOKS.lock(session, webhook_id)
        call.check_unchanged(row.updated_at)
        secret = await call.parts.outbound.webhooks.rotate(session, row)
        tally = (await deliveries.tallies(session, [row.id])).get(row.id)
        view = WebhookPublic.of(call, row, tally)
        await call.audit(session, "webhook.secret_rotated", RESOURCE, row.id, after=view)
    return WebhookMade(**dict(view), secret=secret)


@endpoint("POST", "/webhooks/{webhook_id}/test", allow="events:write", status=202)
async def test_webhook(call: Call, webhook_id: str) -> DeliveryPublic:
    """Sends a message of the type `webhook.test` at once; the list of deliveries tells what came of it.

    Frappe HR is asked whose key it is, and nothing is written there.
    """
    _check_unlimited(call)
    async with call.parts.store.transaction() as session:
        row = await WEBHOOKS.lock(session, webhook_id)
        one = await call.parts.outbound.webhooks.test(session, row)
        await call.audit(session, "webhook.tested", RESOURCE, row.id)
    return DeliveryPublic.of(call, one)


@endpoint("GET", "/webhooks/{webhook_id}/deliveries", allow="events:read", sorts=SORTS)
async def list_deliveries(call: Call, webhook_id: str, query: DeliveryQuery) -> Page[DeliveryPublic]:
    """What was sent and what waits, newest first, with the log of every try."""
    _check_unlimited(call)
    async with call.parts.store.read() as session:
        await WEBHOOKS.get(session, webhook_id)
        found = await deliveries.page(session, query.wanted, webhook_id, state=query.state, type_=query.type)
        tries = await deliveries.tries_of(session, [row.id for row in found.rows])
    rows = [DeliveryPublic.of(call, row, tries.get(row.id, ())) for row in found.rows]
    return Page.of(query.wanted, rows, found.total)


@endpoint(
    "POST", "/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver", allow="events:write", status=202,
    raises=(409,),
)  # fmt: skip
async def redeliver(call: Call, webhook_id: str, delivery_id: str) -> DeliveryPublic:
    """Sends it once more, whatever came of it before, with the same id and for another day.

    Needs the permission to read such events.

    409 `webhook_inactive`: switch the webhook on first.
    """
    _check_unlimited(call)
    async with call.parts.store.transaction() as session:
        row = await WEBHOOKS.lock(session, webhook_id)
        one = await deliveries.get(session, webhook_id, delivery_id, locked=True)
        one = await call.parts.outbound.webhooks.redeliver(session, row, one, call.who.may)
        tries = await deliveries.tries_of(session, [one.id])
        await call.audit(session, "webhook.redelivered", RESOURCE, row.id, after={"delivery_id": one.id})
    return DeliveryPublic.of(call, one, tries.get(one.id, ()))


def _fields(call: Call, row: Webhook, tally: Tally) -> dict[str, object]:
    url = row.url
    if not call.who.may("events:write"):  # addresses of webhooks are often secrets themselves
        scheme, _, rest = url.partition("://")
        host = rest.partition("/")[0].partition("?")[0].rpartition("@")[2]
        url = f"{scheme}://{host}/…"
    named = row.model_dump(include=WebhookPublic.model_fields.keys() - {"frappe", "url"})
    return named | {
        "url": url,
        "previous_secret_until": row.previous_until,
        "pending": tally.pending,
        "dead": tally.dead,
        "last_delivered_at": tally.last_delivered_at,
    }


def _check_unlimited(call: Call) -> None:
    """Webhooks tell of everything: whoever is limited to a part would read of the rest there."""
    if call.who.limited:
        raise Forbidden("Who is limited to some cameras or departments has no say in webhooks.", code="limited")


ENDPOINTS: tuple[Endpoint, ...] = (
    list_webhooks, create_webhook, get_webhook, edit_webhook, delete_webhook, rotate_webhook, test_webhook,
    list_deliveries, redeliver,
)  # fmt: skip
