"""reports that are mailed by a schedule, and their runs

Revision: 0016
After: 0015
"""

from datetime import UTC, date, datetime

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

KEPT = "kept-by-0016"  # what the version before has no place for waits here for the way forward
KEPT_RUNS = 10_000  # the newest
STAMPS = ("created_at", "updated_at")
REPORTS = (
    "id", *STAMPS, "name", "kind", "format", "recipients", "frequency", "weekday", "month_day", "time", "time_zone",
    "site_id", "department_id", "enabled", "created_by", "next_at",
)  # fmt: skip
RUNS = (
    "id", *STAMPS, "report_id", "first_date", "last_date", "due_at", "state", "tries", "next_at", "give_up_at",
    "worker", "lease_until", "recipients", "left", "refused", "rows", "reason", "sent_at", "finished_at",
)  # fmt: skip
TIMES = (*STAMPS, "next_at", "due_at", "give_up_at", "lease_until", "sent_at", "finished_at")
DATES = ("first_date", "last_date")
NUMBERS = ("weekday", "month_day", "tries", "refused", "rows")
TYPES = {
    **dict.fromkeys(TIMES, sa.DateTime(timezone=True)),
    **dict.fromkeys(DATES, sa.Date()),
    **dict.fromkeys(NUMBERS, sa.Integer()),
    "left": sa.JSON(),
    "enabled": sa.Boolean(),
}

reports = sa.table(
    "reports",
    *(sa.column(name, sa.JSON() if name == "recipients" else TYPES.get(name, sa.String())) for name in REPORTS),
)
runs = sa.table(
    "report_runs",
    *(sa.column(name, sa.Integer() if name == "recipients" else TYPES.get(name, sa.String())) for name in RUNS),
)
settings = sa.table(
    "settings", sa.column("key", sa.String), sa.column("value", sa.JSON),
    sa.column("updated_at", sa.DateTime(timezone=True)),
)  # fmt: skip


def _text(length: int) -> sa.String:
    return sa.String(length=length)


def _time(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "reports",
        sa.Column("id", _text(36), nullable=False),
        *(_time(name) for name in STAMPS),
        sa.Column("name", _text(200), nullable=False),
        sa.Column("kind", _text(10), nullable=False),
        sa.Column("format", _text(4), nullable=False),
        sa.Column("recipients", sa.JSON(), nullable=False),
        sa.Column("frequency", _text(7), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=True),
        sa.Column("month_day", sa.Integer(), nullable=True),
        sa.Column("time", _text(5), nullable=False),
        sa.Column("time_zone", _text(64), nullable=False),
        sa.Column("site_id", _text(36), nullable=True),
        sa.Column("department_id", _text(36), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_by", _text(36), nullable=False),
        _time("next_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
    )
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reports_created_by"), ["created_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_reports_next_at"), ["next_at"], unique=False)

    op.create_table(
        "report_runs",
        sa.Column("id", _text(36), nullable=False),
        *(_time(name) for name in STAMPS),
        sa.Column("report_id", _text(36), nullable=False),
        sa.Column("first_date", sa.Date(), nullable=False),
        sa.Column("last_date", sa.Date(), nullable=False),
        _time("due_at"),
        sa.Column("state", _text(8), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        _time("next_at"),
        _time("give_up_at"),
        sa.Column("worker", _text(100), nullable=True),
        _time("lease_until", nullable=True),
        sa.Column("recipients", sa.Integer(), nullable=False),
        sa.Column("left", sa.JSON(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("reason", _text(500), nullable=True),
        _time("sent_at", nullable=True),
        _time("finished_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["report_id"], ["reports.id"], name=op.f("fk_report_runs_report_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_runs")),
        sa.UniqueConstraint("report_id", "due_at", name="uq_report_runs_report_id_due_at"),
    )
    with op.batch_alter_table("report_runs", schema=None) as batch_op:
        batch_op.create_index("ix_report_runs_state_next_at", ["state", "next_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_report_runs_finished_at"), ["finished_at"], unique=False)
    _put_back()


def _put_back() -> None:
    """What was kept on the way back."""
    database = op.get_bind()
    kept = database.execute(sa.select(settings.c.value).where(settings.c.key == KEPT)).scalar() or {}
    for row in kept.get("reports", ()):
        database.execute(sa.insert(reports).values(_read(row)))
    for row in kept.get("runs", ()):
        database.execute(sa.insert(runs).values(_read(row)))
    database.execute(sa.delete(settings).where(settings.c.key == KEPT))


def downgrade() -> None:
    database = op.get_bind()
    newest = sa.select(runs).order_by(runs.c.id.desc()).limit(KEPT_RUNS)
    kept = {
        "reports": [_written(row) for row in database.execute(sa.select(reports)).mappings()],
        "runs": [_written(row) for row in database.execute(newest).mappings()],
    }
    if kept["reports"]:
        database.execute(sa.insert(settings).values(key=KEPT, value=kept, updated_at=datetime.now(UTC)))
    op.drop_table("report_runs")
    op.drop_table("reports")


def _written(row: sa.RowMapping) -> dict[str, object]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}


def _read(row: dict[str, object]) -> dict[str, object]:
    found = dict(row)
    for name, value in row.items():
        if isinstance(value, str) and name in TIMES:
            found[name] = datetime.fromisoformat(value)
        elif isinstance(value, str) and name in DATES:
            found[name] = date.fromisoformat(value)
    return found
