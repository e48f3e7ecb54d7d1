"""Runs migrations on the connection that server/store/migrate.py hands over."""

from alembic import context
from sqlalchemy import DateTime, String
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from server.store import tables  # noqa: F401  (fills the metadata)
from server.store.columns import UtcDateTime


def render_item(kind: str, thing: object, _context: object) -> str | bool:
    """Migrations name SQLAlchemy's own types only, so that they stay readable when the tables move on."""
    if kind == "type" and isinstance(thing, AutoString):
        return f"sa.{String(thing.length)!r}"
    if kind == "type" and isinstance(thing, UtcDateTime):
        return f"sa.{DateTime(timezone=True)!r}"
    return False


if context.is_offline_mode():
    raise SystemExit("Migrations run on an open database only.")

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_item=render_item,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
