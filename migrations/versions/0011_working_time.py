"""sites, shifts, schedules, holidays and leave; corrections of entries beside what they correct; locked days

Revision: 0011
After: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "day_locks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("through", sa.Date(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("locked_by", sa.String(length=36), nullable=True),
        sa.Column("locked_by_name", sa.String(length=254), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_day_locks")),
        sa.UniqueConstraint("through", name=op.f("uq_day_locks_through")),
    )
    op.create_table(
        "shifts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shifts")),
        sa.UniqueConstraint("name", name=op.f("uq_shifts_name")),
    )
    op.create_table(
        "sites",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
        sa.UniqueConstraint("name", name=op.f("uq_sites_name")),
    )
    op.create_table(
        "holidays",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_holidays_site_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holidays")),
        sa.UniqueConstraint("date", "site_id", "name", name=op.f("uq_holidays_date_site_id_name")),
    )
    with op.batch_alter_table("holidays", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_holidays_site_id"), ["site_id"], unique=False)

    op.create_table(
        "frozen_days",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=True),
        sa.Column("pseudonym", sa.String(length=36), nullable=True),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("lock_id", sa.String(length=36), nullable=False),
        sa.Column("days", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["lock_id"], ["day_locks.id"], name=op.f("fk_frozen_days_lock_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_frozen_days_person_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_frozen_days")),
        sa.UniqueConstraint("person_id", "date", name=op.f("uq_frozen_days_person_id_date")),
    )
    with op.batch_alter_table("frozen_days", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_frozen_days_lock_id"), ["lock_id"], unique=False)

    op.create_table(
        "leave",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("first_date", sa.Date(), nullable=False),
        sa.Column("last_date", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("half", sa.String(length=6), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_leave_person_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leave")),
    )
    with op.batch_alter_table("leave", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leave_person_id"), ["person_id"], unique=False)

    op.create_table(
        "schedules",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=True),
        sa.Column("department_id", sa.String(length=36), nullable=True),
        sa.Column("shift_id", sa.String(length=36), nullable=True),
        sa.Column("rotation", sa.JSON(), nullable=True),
        sa.Column("exception", sa.Boolean(), nullable=False),
        sa.Column("first_date", sa.Date(), nullable=False),
        sa.Column("last_date", sa.Date(), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"], ["departments.id"], name=op.f("fk_schedules_department_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_schedules_person_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["shift_id"], ["shifts.id"], name=op.f("fk_schedules_shift_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
    )
    with op.batch_alter_table("schedules", schema=None) as batch_op:
        batch_op.create_index("ix_schedules_dates", ["first_date", "last_date"], unique=False)
        batch_op.create_index(batch_op.f("ix_schedules_department_id"), ["department_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_schedules_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_schedules_shift_id"), ["shift_id"], unique=False)

    op.create_table(
        "corrections",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("asked_by", sa.String(length=36), nullable=True),
        sa.Column("asked_by_name", sa.String(length=254), nullable=False),
        sa.Column("decided_by", sa.String(length=36), nullable=True),
        sa.Column("decided_by_name", sa.String(length=254), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_corrections_entry_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
    )
    with op.batch_alter_table("corrections", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_corrections_entry_id"), ["entry_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_corrections_state"), ["state"], unique=False)

    with op.batch_alter_table("cameras", schema=None) as batch_op:
        batch_op.add_column(sa.Column("site_id", sa.String(length=36), nullable=True))
        batch_op.create_index(batch_op.f("ix_cameras_site_id"), ["site_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_cameras_site_id"), "sites", ["site_id"], ["id"], ondelete="SET NULL")

    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("state", sa.String(length=8), nullable=False, server_default="valid"))
        batch_op.add_column(sa.Column("why", sa.String(length=20), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("original", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("kiosk_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("device_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("device_offset_ms", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_entries_kiosk_id"), "kiosks", ["kiosk_id"], ["id"], ondelete="SET NULL"
        )

    with op.batch_alter_table("kiosks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("site_id", sa.String(length=36), nullable=True))
        batch_op.create_index(batch_op.f("ix_kiosks_site_id"), ["site_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_kiosks_site_id"), "sites", ["site_id"], ["id"], ondelete="SET NULL")

    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.add_column(sa.Column("site_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("timezone", sa.String(length=64), nullable=True))
        batch_op.create_index(batch_op.f("ix_people_site_id"), ["site_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_people_site_id"), "sites", ["site_id"], ["id"], ondelete="SET NULL")

    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.alter_column("state", server_default=None)
        batch_op.alter_column("why", server_default=None)


def downgrade() -> None:
    # What does not count was not there before.
    op.execute(sa.text("DELETE FROM entries WHERE state <> 'valid'"))

    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_people_site_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_people_site_id"))
        batch_op.drop_column("timezone")
        batch_op.drop_column("site_id")

    with op.batch_alter_table("kiosks", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_kiosks_site_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_kiosks_site_id"))
        batch_op.drop_column("site_id")

    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_entries_kiosk_id"), type_="foreignkey")
        batch_op.drop_column("device_offset_ms")
        batch_op.drop_column("device_at")
        batch_op.drop_column("kiosk_id")
        batch_op.drop_column("original")
        batch_op.drop_column("why")
        batch_op.drop_column("state")

    with op.batch_alter_table("cameras", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_cameras_site_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_cameras_site_id"))
        batch_op.drop_column("site_id")

    op.drop_table("corrections")
    op.drop_table("schedules")
    op.drop_table("leave")
    op.drop_table("frozen_days")
    op.drop_table("holidays")
    op.drop_table("sites")
    op.drop_table("shifts")
    op.drop_table("day_locks")
