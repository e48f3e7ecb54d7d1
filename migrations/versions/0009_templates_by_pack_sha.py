"""templates of two builds of one pack may lie beside each other

Revision: 0009
After: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

OLD, NEW = "uq_templates_photo_id_pack", "uq_templates_photo_id_pack_pack_sha256"


def upgrade() -> None:
    with op.batch_alter_table("templates", schema=None) as batch_op:
        batch_op.drop_constraint(op.f(OLD), type_="unique")
        batch_op.create_unique_constraint(op.f(NEW), ["photo_id", "pack", "pack_sha256"])


def downgrade() -> None:
    # Of several builds the newest stays: what is lost can be made again from the photos.
    op.execute(
        sa.text(
            "DELETE FROM templates WHERE EXISTS (SELECT 1 FROM templates AS newer WHERE newer.photo_id = "
            "templates.photo_id AND newer.pack = templates.pack AND newer.id > templates.id)"
        )
    )
    with op.batch_alter_table("templates", schema=None) as batch_op:
        batch_op.drop_constraint(op.f(NEW), type_="unique")
        batch_op.create_unique_constraint(op.f(OLD), ["photo_id", "pack"])
