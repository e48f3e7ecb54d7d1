"""Alerts: what somebody should look at, and who did."""

from pydantic import Field

from server.errors import NotFound
from server.events.limits import reach_of
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.responses import Page
from server.store import alerts
from server.store.alerts import Severity, State
from server.store.tables import Alert
from server.wire import Time, Wire


class AlertsQuery(Query):
    state: State = Field("all", description="open: it is not over yet; somebody may have acknowledged it")
    kind: str | None = Field(None, max_length=64, description="only of this kind")


class AlertPublic(Wire):
    id: str
    kind: str
    severity: Severity
    subject: str = Field(description="what it is about, such as users/<id>")
    message: str
    sighting_id: str | None = Field(description="the sighting that it is about")
    snapshot_url: str | None = Field(description="its picture")
    cleared_at: Time | None = Field(description="when it was over")
    acknowledged_at: Time | None
    acknowledged_by: str | None = Field(description="who looked at it first")
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, row: Alert) -> "AlertPublic":
        return cls.model_validate({**row.model_dump(), "snapshot_url": alerts.picture_of(row)})


@endpoint("GET", "/alerts", allow="alerts:read", sorts=alerts.SORTS)
async def list_alerts(call: Call, query: AlertsQuery) -> Page[AlertPublic]:
    """The alerts, newest first. Somebody who is limited sees those about what they see."""
    async with call.parts.store.read() as session:
        found = await alerts.page(session, query.wanted, state=query.state, kind=query.kind, reach=reach_of(call.who))
    return Page.of(query.wanted, [AlertPublic.of(row) for row in found.rows], found.total)


@endpoint("POST", "/alerts/{alert_id}/acknowledge", allow="alerts:write")
async def acknowledge_alert(call: Call, alert_id: str) -> AlertPublic:
    """Says that you looked at it. Who did so first stays; if it happens again, it is raised again."""
    async with call.parts.store.transaction() as session:
        row = await alerts.get(session, alert_id, locked=True)
        if not await alerts.within(session, row, reach_of(call.who)):
            raise NotFound.of("alert")
        if row.acknowledged_at is None:
            await alerts.acknowledge(session, row, call.actor.name, call.parts.clock.now())
            after = {"kind": row.kind, "subject": row.subject}
            await call.audit(session, "alert.acknowledged", "alerts", row.id, after=after)
    return AlertPublic.of(row)


ENDPOINTS: tuple[Endpoint, ...] = (list_alerts, acknowledge_alert)
