"""What the audit has noted, for tests to look at."""

from server.access.access import Access
from server.store.audit import Filter
from server.store.paging import Page
from server.store.tables import AuditRow


async def noted(access: Access, action: str | None = None) -> list[AuditRow]:
    """The rows with that action, oldest first."""
    found = await access.audit.page(Page(page_size=200), Filter(action=action))
    return list(reversed(found.rows))
