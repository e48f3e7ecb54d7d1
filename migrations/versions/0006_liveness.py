"""liveness: a camera's policy, what a sighting has shown and why it was refused, and of what an alert tells

Revision: 0006
After: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COLUMNS = (
    ("cameras", "liveness", 8),
    ("sightings", "liveness_verdict", 8),
    ("sightings", "refusal", 20),
    ("alerts", "sighting_id", 36),
)


def upgrade() -> None:
    for table, name, length in COLUMNS:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column(name, sa.String(length=length), nullable=True))


def downgrade() -> None:
    for table, name, _ in reversed(COLUMNS):
        op.drop_column(table, name)
