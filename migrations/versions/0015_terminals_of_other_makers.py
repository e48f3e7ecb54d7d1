"""terminals of other makers, the lines that they send, and the entries that came of them

Revision: 0015
After: 0013
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None

KEPT = "kept-by-0015"  # what the version before has no place for waits here for the way forward
STAMPS = ("created_at", "updated_at")
TERMINALS = (
    "id", *STAMPS, "serial_number", "name", "site_id", "timezone", "role", "networks", "active", "last_seen_at",
    "last_address", "firmware", "stamp",
)  # fmt: skip
LINES = (
    "id", *STAMPS, "terminal_id", "digest", "pin", "local_time", "at", "status", "verify", "work_code", "text", "state",
    "reason", "person_id", "entry_id",
)  # fmt: skip
TYPES = {
    **dict.fromkeys((*STAMPS, "last_seen_at", "at"), sa.DateTime(timezone=True)),
    "networks": sa.JSON(),
    "active": sa.Boolean(),
}

terminals = sa.table("terminals", *(sa.column(name, TYPES.get(name, sa.String())) for name in TERMINALS))
lines = sa.table("terminal_lines", *(sa.column(name, TYPES.get(name, sa.String())) for name in LINES))
entries = sa.table(
    "entries", sa.column("id", sa.String), sa.column("origin", sa.String), sa.column("terminal_id", sa.String)
)  # fmt: skip
people = sa.table("people", sa.column("id", sa.String))
sites = sa.table("sites", sa.column("id", sa.String))
settings = sa.table(
    "settings", sa.column("key", sa.String), sa.column("value", sa.JSON),
    sa.column("updated_at", sa.DateTime(timezone=True)),
)  # fmt: skip


def _text(length: int) -> sa.String:
    return sa.String(length=length)


def _stamps() -> list[sa.Column[datetime]]:
    return [sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in STAMPS]


def upgrade() -> None:
    op.create_table(
        "terminals",
        sa.Column("id", _text(36), nullable=False),
        *_stamps(),
        sa.Column("serial_number", _text(64), nullable=False),
        sa.Column("name", _text(200), nullable=False),
        sa.Column("site_id", _text(36), nullable=True),
        sa.Column("timezone", _text(64), nullable=True),
        sa.Column("role", _text(6), nullable=False),
        sa.Column("networks", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_address", _text(64), nullable=False),
        sa.Column("firmware", _text(100), nullable=False),
        sa.Column("stamp", _text(32), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_terminals_site_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terminals")),
        sa.UniqueConstraint("serial_number", name=op.f("uq_terminals_serial_number")),
    )
    with op.batch_alter_table("terminals", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_terminals_site_id"), ["site_id"], unique=False)

    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("terminal_id", _text(36), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_entries_terminal_id"), "terminals", ["terminal_id"], ["id"], ondelete="SET NULL"
        )
        batch_op.create_index(batch_op.f("ix_entries_terminal_id"), ["terminal_id"], unique=False)

    op.create_table(
        "terminal_lines",
        sa.Column("id", _text(36), nullable=False),
        *_stamps(),
        sa.Column("terminal_id", _text(36), nullable=False),
        sa.Column("digest", _text(64), nullable=False),
        sa.Column("pin", _text(64), nullable=False),
        sa.Column("local_time", _text(40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", _text(32), nullable=False),
        sa.Column("verify", _text(32), nullable=False),
        sa.Column("work_code", _text(32), nullable=False),
        sa.Column("text", _text(300), nullable=False),
        sa.Column("state", _text(14), nullable=False),
        sa.Column("reason", _text(32), nullable=False),
        sa.Column("person_id", _text(36), nullable=True),
        sa.Column("entry_id", _text(36), nullable=True),
        sa.ForeignKeyConstraint(
            ["terminal_id"], ["terminals.id"], name=op.f("fk_terminal_lines_terminal_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_terminal_lines_person_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["entries.id"], name=op.f("fk_terminal_lines_entry_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terminal_lines")),
        sa.UniqueConstraint("terminal_id", "digest", name=op.f("uq_terminal_lines_terminal_id_digest")),
    )
    with op.batch_alter_table("terminal_lines", schema=None) as batch_op:
        batch_op.create_index("ix_terminal_lines_state_pin", ["state", "pin"], unique=False)
        batch_op.create_index(batch_op.f("ix_terminal_lines_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_terminal_lines_entry_id"), ["entry_id"], unique=False)
    _put_back()


def _put_back() -> None:
    """What was kept on the way back; what it pointed to and has been removed since is not pointed to any more."""
    database = op.get_bind()
    kept = database.execute(sa.select(settings.c.value).where(settings.c.key == KEPT)).scalar() or {}
    there = {table.name: set(database.execute(sa.select(table.c.id)).scalars()) for table in (people, sites, entries)}
    for row in kept.get("terminals", ()):
        own = {**_read(row), "site_id": row["site_id"] if row["site_id"] in there["sites"] else None}
        database.execute(sa.insert(terminals).values(own))
    for row in kept.get("lines", ()):
        if row["person_id"] is not None and row["person_id"] not in there["people"]:
            continue  # who was removed meanwhile has none
        entry_id = row["entry_id"] if row["entry_id"] in there["entries"] else None
        database.execute(sa.insert(lines).values({**_read(row), "entry_id": entry_id}))
    for entry_id, terminal_id in kept.get("entries", {}).items():
        made = sa.update(entries).where(entries.c.id == entry_id)
        database.execute(made.values(origin="terminal", terminal_id=terminal_id))
    database.execute(sa.delete(settings).where(settings.c.key == KEPT))


def downgrade() -> None:
    database = op.get_bind()
    made = sa.select(entries.c.id, entries.c.terminal_id).where(entries.c.origin == "terminal")
    kept = {
        "terminals": [_written(row) for row in database.execute(sa.select(terminals)).mappings()],
        "lines": [_written(row) for row in database.execute(sa.select(lines)).mappings()],
        "entries": {row.id: row.terminal_id for row in database.execute(made)},
    }
    if any(kept.values()):
        database.execute(sa.insert(settings).values(key=KEPT, value=kept, updated_at=datetime.now(UTC)))
    # The version before knows no such origin.
    database.execute(sa.update(entries).where(entries.c.origin == "terminal").values(origin="import"))

    op.drop_table("terminal_lines")
    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_entries_terminal_id"))
        batch_op.drop_constraint(batch_op.f("fk_entries_terminal_id"), type_="foreignkey")
        batch_op.drop_column("terminal_id")
    op.drop_table("terminals")


def _written(row: sa.RowMapping) -> dict[str, object]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


def _read(row: dict[str, object]) -> dict[str, object]:
    times = (*STAMPS, "last_seen_at", "at")
    return {
        name: datetime.fromisoformat(value) if name in times and isinstance(value, str) else value
        for name, value in row.items()
    }
