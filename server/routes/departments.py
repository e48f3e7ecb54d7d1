"""Departments that people belong to."""

from pydantic import Field

from server.errors import Forbidden
from server.events.limits import reach_of
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.responses import Page
from server.store import departments
from server.store.tables import Department
from server.wire import Form, Time, Wire

RESOURCE = "departments"


class DepartmentForm(Form):
    name: str = Field(min_length=1, max_length=200)


class DepartmentPublic(Wire):
    id: str
    name: str
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, row: Department) -> "DepartmentPublic":
        return cls.model_validate(row)


def _check_unlimited(call: Call) -> None:
    if call.who.only_departments is not None:
        raise Forbidden("Who is limited to some departments cannot change which there are.", code="limited")


@endpoint("GET", "/departments", allow="people:read", sorts=departments.SORTS)
async def list_departments(call: Call, query: Query) -> Page[DepartmentPublic]:
    """The departments by name."""
    async with call.parts.store.read() as session:
        found = await departments.page(session, query.wanted, reach_of(call.who))
    return Page.of(query.wanted, [DepartmentPublic.of(row) for row in found.rows], found.total)


@endpoint("POST", "/departments", allow="people:write", status=201)
async def create_department(call: Call, body: DepartmentForm) -> DepartmentPublic:
    """A new department.

    403 `limited`: whoever is limited to some departments cannot add others.
    """
    _check_unlimited(call)
    async with call.parts.store.transaction() as session:
        view = DepartmentPublic.of(await departments.save_department(session, Department(name=body.name)))
        await call.audit(session, "department.created", RESOURCE, view.id, after=view)
    return view


@endpoint("GET", "/departments/{department_id}", allow="people:read")
async def get_department(call: Call, department_id: str) -> DepartmentPublic:
    """One department."""
    async with call.parts.store.read() as session:
        return DepartmentPublic.of(await departments.get(session, department_id, reach_of(call.who)))


@endpoint("PUT", "/departments/{department_id}", allow="people:write")
async def edit_department(call: Call, department_id: str, body: DepartmentForm) -> DepartmentPublic:
    """Renames a department. 403 `limited` as with a new one."""
    _check_unlimited(call)
    async with call.parts.store.transaction() as session:
        row = await departments.lock(session, department_id)
        call.check_unchanged(row.updated_at)
        before = DepartmentPublic.of(row)
        row.name = body.name
        view = DepartmentPublic.of(await departments.save_department(session, row))
        await call.audit(session, "department.changed", RESOURCE, department_id, before=before, after=view)
    return view


@endpoint("DELETE", "/departments/{department_id}", allow="people:delete", status=204)
async def delete_department(call: Call, department_id: str) -> None:
    """Removes a department. Its people stay, without one. 403 `limited` as with a new one."""
    _check_unlimited(call)
    async with call.parts.store.transaction() as session:
        row = await departments.lock(session, department_id)
        call.check_unchanged(row.updated_at)
        before = DepartmentPublic.of(row)
        await departments.remove(session, row)
        await call.audit(session, "department.removed", RESOURCE, department_id, before=before)


ENDPOINTS: tuple[Endpoint, ...] = (
    list_departments, create_department, get_department, edit_department, delete_department,
)  # fmt: skip
