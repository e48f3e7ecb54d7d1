"""sealed addresses, sub streams and stored snapshots of cameras

Revision: 0003
After: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Addresses that hold a password are sealed at the next start: that needs the keys, which no migration has.
    with op.batch_alter_table("cameras", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sealed_source", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("sub_source", sa.String(length=2000), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("sealed_sub_source", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("snapshot_every_s", sa.Integer(), nullable=False, server_default="0"))

    op.create_table(
        "snapshots",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("camera_id", sa.String(length=36), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("origin", sa.String(length=8), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("object_key", sa.String(length=300), nullable=False),
        sa.Column("thumbnail_key", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["cameras.id"], name=op.f("fk_snapshots_camera_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshots")),
    )
    op.create_index("ix_snapshots_camera_taken", "snapshots", ["camera_id", "taken_at"])
    op.create_index(op.f("ix_snapshots_taken_at"), "snapshots", ["taken_at"])


def downgrade() -> None:
    sealed = op.get_bind().execute(sa.text("SELECT count(*) FROM cameras WHERE sealed_source IS NOT NULL")).scalar_one()
    if sealed:
        raise RuntimeError(
            f"{sealed} cameras would lose their passwords, which are encrypted. "
            "Use `rollcall db downgrade`, which has the keys."
        )
    op.drop_index(op.f("ix_snapshots_taken_at"), table_name="snapshots")
    op.drop_index("ix_snapshots_camera_taken", table_name="snapshots")
    op.drop_table("snapshots")

    with op.batch_alter_table("cameras", schema=None) as batch_op:
        batch_op.drop_column("snapshot_every_s")
        batch_op.drop_column("sealed_sub_source")
        batch_op.drop_column("sub_source")
        batch_op.drop_column("sealed_source")
