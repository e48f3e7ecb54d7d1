"""entries and rows of the audit outlive a person, without saying whose they were; since when people are inactive

Revision: 0010
After: 0009
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

PERSON, DEPARTMENT = "fk_entries_person_id", "fk_entries_department_id"

# The way back knows no entry without a person: each pseudonym becomes one, and is known again on the way forward.
NAME, MARK = "Erased person", {"rollcall": "erased"}
people = sa.table(
    "people", sa.column("id"), sa.column("created_at"), sa.column("updated_at"), sa.column("full_name"),
    sa.column("department_id"), sa.column("external_ids", sa.JSON()), sa.column("active", sa.Boolean()),
)  # fmt: skip
entries = sa.table(
    "entries", sa.column("id"), sa.column("created_at"), sa.column("updated_at"), sa.column("person_id"),
    sa.column("pseudonym"), sa.column("department_id"),
)  # fmt: skip

settings = sa.table(
    "settings", sa.column("key"), sa.column("value", sa.JSON()), sa.column("updated_at", sa.DateTime(timezone=True))
)
audit = sa.table("audit", sa.column("position"), sa.column("redacted"))
KEPT = "audit.redacted"  # the seals of redacted rows, for the time for which there is no column

# What is written in a row of the audit may lose the names of somebody who was erased, under a seal, and nothing else.
REFUSE = "SELECT RAISE(ABORT, 'the audit is append-only')"
FIXED = (
    "position", "id", "at", "actor_kind", "actor_id", "actor_name", "action", "resource", "resource_id", "address",
    "user_agent", "request_id", "key_id", "hash",
)  # fmt: skip
OTHERWISE = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in FIXED)
AS_BEFORE = f"({', '.join(f'NEW.{name}' for name in FIXED)}) IS NOT DISTINCT FROM ({', '.join(f'OLD.{name}' for name in FIXED)})"
FUNCTION = (
    "CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "IF TG_OP = 'DELETE' THEN "
    "IF OLD.position <= coalesce((SELECT cut FROM audit_chain WHERE id = 1), 0) THEN RETURN OLD; END IF; "
    "END IF; {} RAISE EXCEPTION 'the audit is append-only'; END $$"
)
GUARDS = {
    "sqlite": (
        "DROP TRIGGER IF EXISTS audit_no_update",
        f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit WHEN NEW.redacted IS NULL OR {OTHERWISE} BEGIN {REFUSE}; END",
    ),
    "postgresql": (
        FUNCTION.format(
            f"IF TG_OP = 'UPDATE' THEN IF NEW.redacted IS NOT NULL AND {AS_BEFORE} THEN RETURN NEW; END IF; END IF;"
        ),
    ),
}
EARLIER_GUARDS = {
    "sqlite": (
        "DROP TRIGGER IF EXISTS audit_no_update",
        f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN {REFUSE}; END",
    ),
    "postgresql": (FUNCTION.format(""),),
}


def upgrade() -> None:
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.add_column(sa.Column("inactive_since", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(op.f("ix_people_inactive_since"), ["inactive_since"])
    op.execute(sa.text("UPDATE people SET inactive_since = updated_at WHERE NOT active"))

    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("pseudonym", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("department_id", sa.String(), nullable=True))
        batch_op.alter_column("person_id", existing_type=sa.String(), nullable=True)
        batch_op.drop_constraint(op.f(PERSON), type_="foreignkey")
        batch_op.create_foreign_key(op.f(PERSON), "people", ["person_id"], ["id"], ondelete="SET NULL")
        batch_op.create_foreign_key(op.f(DEPARTMENT), "departments", ["department_id"], ["id"], ondelete="SET NULL")
        batch_op.create_index(op.f("ix_entries_pseudonym"), ["pseudonym"])

    database = op.get_bind()
    named = database.execute(sa.select(people.c.id, people.c.external_ids).where(people.c.full_name == NAME)).all()
    for person_id, external_ids in named:
        if external_ids == MARK:
            department = sa.select(people.c.department_id).where(people.c.id == person_id).scalar_subquery()
            theirs = sa.update(entries).where(entries.c.person_id == person_id)
            database.execute(theirs.values(pseudonym=person_id, department_id=department, person_id=None))
            database.execute(sa.delete(people).where(people.c.id == person_id))

    op.add_column("audit", sa.Column("redacted", sa.String(length=100), nullable=True))
    for statement in GUARDS[database.dialect.name]:
        op.execute(statement)
    kept = database.execute(sa.select(settings.c.value).where(settings.c.key == KEPT)).scalar() or {}
    for position, seal in kept.items():
        database.execute(sa.update(audit).where(audit.c.position == int(position)).values(redacted=seal))
    database.execute(sa.delete(settings).where(settings.c.key == KEPT))


def downgrade() -> None:
    database = op.get_bind()
    sealed = sa.select(audit.c.position, audit.c.redacted).where(audit.c.redacted.is_not(None))
    if seals := {str(position): seal for position, seal in database.execute(sealed)}:
        kept = {"key": KEPT, "value": seals, "updated_at": datetime.now(UTC)}
        database.execute(sa.insert(settings).values(kept))
    for statement in EARLIER_GUARDS[database.dialect.name]:
        op.execute(statement)
    op.drop_column("audit", "redacted")

    nobodys = entries.c.person_id.is_(None)
    database.execute(
        sa.update(entries).where(nobodys, entries.c.pseudonym.is_(None)).values(pseudonym=entries.c.id)
    )
    known = sa.select(
        entries.c.pseudonym, sa.func.min(entries.c.created_at), sa.func.max(entries.c.updated_at),
        sa.literal(NAME), sa.func.max(entries.c.department_id), sa.literal(MARK, sa.JSON()), sa.false(),
    )  # fmt: skip
    columns = ("id", "created_at", "updated_at", "full_name", "department_id", "external_ids", "active")
    database.execute(
        sa.insert(people).from_select(columns, known.where(nobodys).group_by(entries.c.pseudonym))
    )
    database.execute(sa.update(entries).where(nobodys).values(person_id=entries.c.pseudonym))

    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_entries_pseudonym"))
        batch_op.drop_constraint(op.f(DEPARTMENT), type_="foreignkey")
        batch_op.drop_constraint(op.f(PERSON), type_="foreignkey")
        batch_op.create_foreign_key(op.f(PERSON), "people", ["person_id"], ["id"], ondelete="CASCADE")
        batch_op.alter_column("person_id", existing_type=sa.String(), nullable=False)
        batch_op.drop_column("department_id")
        batch_op.drop_column("pseudonym")

    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_people_inactive_since"))
        batch_op.drop_column("inactive_since")
