"""templates are sealed: the id of the key that sealed each

Revision: 0005
After: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Templates in the clear are sealed at the next start: that needs the keys, which no migration has.
    with op.batch_alter_table("templates", schema=None) as batch_op:
        batch_op.add_column(sa.Column("key_id", sa.String(length=16), nullable=True))
        batch_op.create_index(op.f("ix_templates_key_id"), ["key_id"])


def downgrade() -> None:
    sealed = op.get_bind().execute(sa.text("SELECT count(*) FROM templates WHERE key_id IS NOT NULL")).scalar_one()
    if sealed:
        raise RuntimeError(
            f"{sealed} templates would be lost, which are encrypted. Use `rollcall db downgrade`, which has the keys."
        )
    with op.batch_alter_table("templates", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_templates_key_id"))
        batch_op.drop_column("key_id")
