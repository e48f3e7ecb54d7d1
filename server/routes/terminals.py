"""Terminals of other makers: the collection of them, who has knocked in vain, and every line that they have sent."""

from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from server.events.limits import Reach, reach_of
from server.pipeline.shift_rules import Zone
from server.routes.collection import Five, Words
from server.routes.endpoint import Call, Endpoint, Query, ShortQuery, endpoint
from server.routes.iclock import lines_of
from server.routes.responses import Page
from server.store import people, sites, terminals
from server.store.tables import Terminal
from server.wire import Form, Time, Wire

RESOURCE = "terminals"


def _network(given: str) -> str:
    return str(ip_network(given, strict=False))


Network = Annotated[str, Field(max_length=49, examples=["192.0.2.0/24"]), AfterValidator(_network)]
SERIAL = r"^[A-Za-z0-9._-]{1,64}$"


class TerminalForm(Form):
    serial_number: str = Field(pattern=SERIAL, description="as the terminal's own menu shows it")
    name: str = Field(min_length=1, max_length=200)
    site_id: str | None = Field(None, max_length=36)
    timezone: Zone | None = Field(None, description="of the terminal's clock; null: that of its site, or the server's")
    role: Literal["status", "in", "out", "both"] = Field(
        "status",
        description="what the direction of a line goes by: the key that was pressed (status), or always in, out or the "
        "other direction of the person's last that day, where nobody presses keys",
    )
    networks: list[Network] = Field(
        default_factory=list, max_length=32, description="from where it may come; empty: from everywhere"
    )
    active: bool = Field(True, description="false: it is refused, and sends again later")


class TerminalPublic(Wire):
    """`lastSeenAt`, `lastAddress` and `firmware` are what it has told, and change without an edit."""

    id: str
    serial_number: str
    name: str
    site_id: str | None
    timezone: str | None
    role: str
    networks: list[str]
    active: bool
    last_seen_at: Time | None
    last_address: str
    firmware: str
    created_at: Time
    updated_at: Time


class KnockPublic(Wire):
    """A terminal that was not let in."""

    serial_number: str
    address: str
    firmware: str
    reason: Literal["unknown", "inactive", "address"]
    first_at: Time
    last_at: Time
    count: int


class LinePublic(Wire):
    """A line, whatever came of it."""

    id: str
    terminal_id: str
    pin: str
    local_time: str = Field(description="on the wall at the terminal, as it was sent")
    at: Time | None = Field(description="null: a time that cannot be")
    status: str = Field(description="the key: 0 in, 1 out, 2 break out, 3 break in, 4 overtime in, 5 overtime out")
    verify: str
    work_code: str
    text: str = Field(description="the line itself, of one that was not understood")
    state: terminals.State
    reason: str
    person_id: str | None
    entry_id: str | None = Field(description="that it made; of a duplicate the one that there was")
    created_at: Time
    updated_at: Time


class LinesQuery(Query):
    state: terminals.State | None = None


class LineAssign(Form):
    person_id: str = Field(max_length=36)


async def _check(session: AsyncSession, row: Terminal, _reach: Reach) -> None:
    await sites.check(session, row.site_id)


async def _check_removal(session: AsyncSession, row: Terminal, _reach: Reach) -> None:
    await terminals.check_removal(session, row.id)


def _columns(form: Form) -> dict[str, Any]:
    return dict(form)


TERMINALS = Five(
    terminals.TERMINALS, "/attendance/terminals",
    Words("A terminal of another maker", "The terminals of other makers by name",
    "Registers a terminal of another maker, which is let in from now on",
    "Removes a terminal with its lines; their entries stay"),
    TerminalForm, TerminalPublic, _columns, TerminalPublic.model_validate, check=_check,
    check_removal=_check_removal, for_everybody=True,
)  # fmt: skip


@endpoint("GET", "/attendance/terminals/unknown", allow="attendance:write")
async def list_unknown_terminals(call: Call, query: ShortQuery) -> Page[KnockPublic]:
    """Terminals that were not let in since this server has started, the newest first, 50 at most.

    `unknown` ones can be registered by their serial number; the serial number is no proof of who it is.
    """
    async with call.parts.store.read() as session:
        shown = [
            KnockPublic.model_validate(knock)
            for knock in call.parts.knocks.all()
            if knock.reason != "unknown" or await terminals.find(session, knock.serial_number) is None
        ]
    return Page.cut(query.wanted, shown)


@endpoint(
    "GET", "/attendance/terminals/{terminal_id}/lines", allow="attendance:read", sorts=terminals.LINE_SORTS
)  # fmt: skip
async def list_terminal_lines(call: Call, terminal_id: str, query: LinesQuery) -> Page[LinePublic]:
    """Every line that a terminal has sent, the newest time first; `state=unknown_person` are those that wait."""
    reach = reach_of(call.who)
    async with call.parts.store.read() as session:
        await terminals.TERMINALS.get(session, terminal_id, reach)
        found = await terminals.page_lines(session, query.wanted, terminal_id, state=query.state, reach=reach)
    return Page.of(query.wanted, [LinePublic.model_validate(row) for row in found.rows], found.total)


@endpoint(
    "POST", "/attendance/terminals/{terminal_id}/lines/{line_id}/assign", allow="attendance:write", raises=(409,),
    replaces=True,
)  # fmt: skip
async def assign_terminal_line(call: Call, terminal_id: str, line_id: str, body: LineAssign) -> LinePublic:
    """Says whose a line is that waits, and makes its entry.

    For all lines of a PIN, give it to the person as `externalIds.terminal`. 409 `line_not_waiting`.
    """
    async with call.parts.store.transaction() as session:
        await people.check(session, body.person_id, reach_of(call.who))
        # The person before the line, as where lines are taken up: whoever locks in one order does not lock up.
        await people.lock(session, body.person_id)
        line = await terminals.lock_line(session, terminal_id, line_id, reach_of(call.who))
        call.check_unchanged(line.updated_at)
        events = await lines_of(call).assign(session, line, body.person_id)
        view = LinePublic.model_validate(line)
        # Without the PIN, which says who it was and is not found by an erasure of names.
        said = {"line": line_id, "personId": body.person_id, "entryId": view.entry_id}
        await call.audit(session, "terminal_line.assigned", RESOURCE, terminal_id, after=said)
        stored = await call.parts.recorder.append(session, events)
    call.parts.recorder.wake(stored)
    return view


ENDPOINTS: tuple[Endpoint, ...] = (
    list_unknown_terminals, *TERMINALS.endpoints, list_terminal_lines, assign_terminal_line,
)  # fmt: skip
