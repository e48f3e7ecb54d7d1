"""webhooks, their deliveries and each try of one

Revision: 0013
After: 0012
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


KEPT = "kept-by-0013"  # what the version before has no place for waits here for the way forward
KEPT_DELIVERIES = 10_000  # of those that wait, the oldest; what is over, and the log of tries, is not kept
WEBHOOKS = (
    "id", "created_at", "updated_at", "name", "kind", "url", "types", "camera_ids", "department_ids", "options", "active",
    "disabled_reason", "key_id", "sealed", "previous_until", "epoch", "cursor", "failures", "resumes_at",
)  # fmt: skip
DELIVERIES = (
    "id", "created_at", "updated_at", "webhook_id", "message_id", "type", "topic", "epoch", "offset", "person_id", "state",
    "result", "tries", "next_at", "give_up_at",
)  # fmt: skip
TIMES = ("created_at", "updated_at", "previous_until", "resumes_at", "next_at", "give_up_at")
TYPES: dict[str, sa.types.TypeEngine[object]] = {
    **dict.fromkeys(TIMES, sa.DateTime(timezone=True)),
    **dict.fromkeys(("types", "camera_ids", "department_ids", "options", "cursor"), sa.JSON(none_as_null=True)),
    **dict.fromkeys(("failures", "tries"), sa.Integer()),
    "active": sa.Boolean(),
    "offset": sa.BigInteger(),
}

webhooks = sa.table("webhooks", *(sa.column(name, TYPES.get(name, sa.String())) for name in WEBHOOKS))
deliveries = sa.table("deliveries", *(sa.column(name, TYPES.get(name, sa.String())) for name in DELIVERIES))
people = sa.table("people", sa.column("id", sa.String))
settings = sa.table(
    "settings", sa.column("key", sa.String), sa.column("value", sa.JSON),
    sa.column("updated_at", sa.DateTime(timezone=True)),
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("url", sa.String(length=2048), nullable=False),
        sa.Column("types", sa.JSON(), nullable=False),
        sa.Column("camera_ids", sa.JSON(), nullable=True),
        sa.Column("department_ids", sa.JSON(), nullable=True),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("disabled_reason", sa.String(length=20), nullable=True),
        sa.Column("key_id", sa.String(length=12), nullable=False),
        sa.Column("sealed", sa.String(length=16384), nullable=False),
        sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("epoch", sa.String(length=36), nullable=False),
        sa.Column("cursor", sa.JSON(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("resumes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worker", sa.String(length=100), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("served_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("name", name=op.f("uq_webhooks_name")),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("webhook_id", sa.String(length=36), nullable=False),
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.String(length=100), nullable=False),
        sa.Column("epoch", sa.String(length=36), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("result", sa.String(length=40), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("give_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_deliveries_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("webhook_id", "message_id", name="uq_deliveries_webhook_id_message_id"),
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index("ix_deliveries_webhook_id_state_next_at", ["webhook_id", "state", "next_at"])
        batch_op.create_index(batch_op.f("ix_deliveries_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_deliveries_finished_at"), ["finished_at"], unique=False)

    op.create_table(
        "delivery_tries",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivery_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("answer", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name=op.f("fk_delivery_tries_delivery_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_tries")),
    )
    with op.batch_alter_table("delivery_tries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_delivery_tries_delivery_id"), ["delivery_id"], unique=False)
    _put_back()


def _put_back() -> None:
    """What was kept on the way back. Of a person who was removed since, nothing says any more that it was about them."""
    database = op.get_bind()
    kept = database.execute(sa.select(settings.c.value).where(settings.c.key == KEPT)).scalar() or {}
    known = set(database.execute(sa.select(people.c.id)).scalars()) if kept else set()
    for row in kept.get("webhooks", ()):
        database.execute(sa.insert(webhooks).values(_read(row)))
    for row in kept.get("deliveries", ()):
        person_id = row["person_id"] if row["person_id"] in known else None
        database.execute(sa.insert(deliveries).values({**_read(row), "person_id": person_id}))
    database.execute(sa.delete(settings).where(settings.c.key == KEPT))


def downgrade() -> None:
    database = op.get_bind()
    waiting = sa.select(deliveries).where(deliveries.c.state == "pending").order_by(deliveries.c.id)
    kept = {
        "webhooks": [_written(row) for row in database.execute(sa.select(webhooks)).mappings()],
        "deliveries": [_written(row) for row in database.execute(waiting.limit(KEPT_DELIVERIES)).mappings()],
    }
    if kept["webhooks"]:
        database.execute(sa.insert(settings).values(key=KEPT, value=kept, updated_at=datetime.now(UTC)))
    op.drop_table("delivery_tries")
    op.drop_table("deliveries")
    op.drop_table("webhooks")


def _written(row: sa.RowMapping) -> dict[str, object]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


def _read(row: dict[str, object]) -> dict[str, object]:
    return {
        name: datetime.fromisoformat(value) if name in TIMES and isinstance(value, str) else value
        for name, value in row.items()
    }
