"""PINs and badges of people, what a kiosk takes and which way it leads, and the key under which an entry was made once

Revision: 0012
After: 0011
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KEPT = "kept-by-0012"  # what the version before has no place for waits here for the way forward
CREDENTIALS = ("id", "created_at", "updated_at", "person_id", "kind", "digest", "key_id", "label", "ending", "last_used_at")
TIMES = ("created_at", "updated_at", "last_used_at")

people = sa.table("people", sa.column("id", sa.String))
entries = sa.table("entries", sa.column("id", sa.String), sa.column("request_key", sa.String))
kiosks = sa.table(
    "kiosks", sa.column("id", sa.String), sa.column("role", sa.String), sa.column("means", sa.JSON)
)  # fmt: skip
credentials = sa.table(
    "credentials",
    *(sa.column(name, sa.DateTime(timezone=True) if name in TIMES else sa.String) for name in CREDENTIALS),
)
settings = sa.table(
    "settings", sa.column("key", sa.String), sa.column("value", sa.JSON),
    sa.column("updated_at", sa.DateTime(timezone=True)),
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "credentials",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("ending", sa.String(length=4), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_credentials_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
        sa.UniqueConstraint("digest", name=op.f("uq_credentials_digest")),
    )
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_credentials_key_id"), ["key_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_credentials_person_id"), ["person_id"], unique=False)

    with op.batch_alter_table("kiosks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("role", sa.String(length=4), nullable=False, server_default="both"))
        batch_op.add_column(
            sa.Column("means", sa.JSON(), nullable=False, server_default=sa.text("""'["face", "pin", "badge"]'"""))
        )
    with op.batch_alter_table("kiosks", schema=None) as batch_op:
        batch_op.alter_column("role", server_default=None)
        batch_op.alter_column("means", server_default=None)

    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("request_key", sa.String(length=64), nullable=True))
        batch_op.create_unique_constraint(batch_op.f("uq_entries_request_key"), ["request_key"])
        batch_op.create_index(batch_op.f("ix_entries_kiosk_id"), ["kiosk_id", "id"], unique=False)

    database = op.get_bind()
    kept = database.execute(sa.select(settings.c.value).where(settings.c.key == KEPT)).scalar() or {}
    known = set(database.execute(sa.select(people.c.id)).scalars())
    for row in kept.get("credentials", ()):
        if row["person_id"] in known:  # who was removed meanwhile has none
            times = {name: datetime.fromisoformat(row[name]) for name in TIMES if row[name]}
            database.execute(sa.insert(credentials).values({**row, **times}))
    for kiosk_id, own in kept.get("kiosks", {}).items():
        database.execute(sa.update(kiosks).where(kiosks.c.id == kiosk_id).values(own))
    for entry_id, key in kept.get("entries", {}).items():
        database.execute(sa.update(entries).where(entries.c.id == entry_id).values(request_key=key))
    database.execute(sa.delete(settings).where(settings.c.key == KEPT))


def downgrade() -> None:
    database = op.get_bind()
    rows = [dict(row) for row in database.execute(sa.select(credentials)).mappings()]
    kept = {
        "credentials": [{**row, **{name: row[name] and row[name].isoformat() for name in TIMES}} for row in rows],
        "kiosks": {
            row.id: {"role": row.role, "means": row.means} for row in database.execute(sa.select(kiosks))
        },
        "entries": {
            row.id: row.request_key
            for row in database.execute(sa.select(entries).where(entries.c.request_key.is_not(None)))
        },
    }  # fmt: skip
    if any(kept.values()):
        database.execute(sa.insert(settings).values(key=KEPT, value=kept, updated_at=datetime.now(UTC)))

    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_entries_kiosk_id"))
        batch_op.drop_constraint(batch_op.f("uq_entries_request_key"), type_="unique")
        batch_op.drop_column("request_key")

    with op.batch_alter_table("kiosks", schema=None) as batch_op:
        batch_op.drop_column("means")
        batch_op.drop_column("role")

    op.drop_table("credentials")
