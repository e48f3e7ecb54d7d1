"""zones and clips of cameras, when they are analysed, and indexes on what lists and retention filter by

Revision: 0004
After: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INDEXES = (("audit", "actor_name"), ("jobs", "finished_at"), ("sessions", "expires_at"), ("sessions", "ended_at"))


def upgrade() -> None:
    with op.batch_alter_table("cameras", schema=None) as batch_op:
        batch_op.add_column(sa.Column("clips", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("analysis", sa.String(length=8), nullable=False, server_default="always"))
        batch_op.add_column(sa.Column("analysis_hours", sa.JSON(), nullable=False, server_default="[]"))
    with op.batch_alter_table("sightings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("direction", sa.String(length=3), nullable=True))

    op.create_table(
        "zones",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("camera_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("points", sa.JSON(), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=True),
        sa.ForeignKeyConstraint(["camera_id"], ["cameras.id"], name=op.f("fk_zones_camera_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zones")),
        sa.UniqueConstraint("camera_id", "name", name=op.f("uq_zones_camera_id_name")),
    )
    op.create_index(op.f("ix_zones_camera_id"), "zones", ["camera_id"])

    op.create_table(
        "clips",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("camera_id", sa.String(length=36), nullable=True),
        sa.Column("sighting_id", sa.String(length=36), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_s", sa.Float(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("codec", sa.String(length=16), nullable=False),
        sa.Column("masked", sa.Boolean(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("object_key", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["camera_id"], ["cameras.id"], name=op.f("fk_clips_camera_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["sighting_id"], ["sightings.id"], name=op.f("fk_clips_sighting_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clips")),
    )
    op.create_index("ix_clips_camera_started", "clips", ["camera_id", "started_at"])
    op.create_index(op.f("ix_clips_sighting_id"), "clips", ["sighting_id"])
    op.create_index(op.f("ix_clips_started_at"), "clips", ["started_at"])

    for table, column in INDEXES:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def downgrade() -> None:
    for table, column in reversed(INDEXES):
        op.drop_index(op.f(f"ix_{table}_{column}"), table_name=table)

    for index in ("ix_clips_started_at", "ix_clips_sighting_id", "ix_clips_camera_started"):
        op.drop_index(index, table_name="clips")
    op.drop_table("clips")
    op.drop_index(op.f("ix_zones_camera_id"), table_name="zones")
    op.drop_table("zones")

    with op.batch_alter_table("sightings", schema=None) as batch_op:
        batch_op.drop_column("direction")
    with op.batch_alter_table("cameras", schema=None) as batch_op:
        batch_op.drop_column("analysis_hours")
        batch_op.drop_column("analysis")
        batch_op.drop_column("clips")
