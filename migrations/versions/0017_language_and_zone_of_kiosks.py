"""a kiosk's own language and time zone

Revision: 0017
After: 0016
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

KEPT = "kept-by-0017"  # what the version before has no place for waits here for the way forward

kiosks = sa.table(
    "kiosks", sa.column("id", sa.String), sa.column("language", sa.String), sa.column("time_zone", sa.String)
)  # fmt: skip
settings = sa.table(
    "settings", sa.column("key", sa.String), sa.column("value", sa.JSON),
    sa.column("updated_at", sa.DateTime(timezone=True)),
)  # fmt: skip


def upgrade() -> None:
    with op.batch_alter_table("kiosks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("language", sa.String(length=35), nullable=True))
        batch_op.add_column(sa.Column("time_zone", sa.String(length=64), nullable=True))

    database = op.get_bind()
    kept = database.execute(sa.select(settings.c.value).where(settings.c.key == KEPT)).scalar() or {}
    for kiosk_id, own in kept.items():
        database.execute(sa.update(kiosks).where(kiosks.c.id == kiosk_id).values(own))
    database.execute(sa.delete(settings).where(settings.c.key == KEPT))


def downgrade() -> None:
    database = op.get_bind()
    own = sa.or_(kiosks.c.language.is_not(None), kiosks.c.time_zone.is_not(None))
    found = database.execute(sa.select(kiosks).where(own)).all()
    kept = {row.id: {"language": row.language, "time_zone": row.time_zone} for row in found}
    if kept:
        database.execute(sa.insert(settings).values(key=KEPT, value=kept, updated_at=datetime.now(UTC)))
    with op.batch_alter_table("kiosks", schema=None) as batch_op:
        batch_op.drop_column("time_zone")
        batch_op.drop_column("language")
