"""Recordings, and their sounds."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make both tables, and an index for each way in which a store is asked."""
    op.create_table(
        "recordings",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("duration", sa.Double(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("emotion", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("unsure", sa.Boolean(), nullable=False),
        sa.Column("has_sound", sa.Boolean(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="recordings_pk"),
    )
    op.create_index("recordings_by_time", "recordings", ["created", "id"])
    op.create_index("recordings_by_owner", "recordings", ["owner", "created", "id"])
    op.create_index("recordings_by_subject", "recordings", ["owner", "subject", "created", "id"])
    op.create_index("recordings_by_emotion", "recordings", ["owner", "emotion", "created", "id"])
    op.create_table(
        "sounds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["recordings.id"], name="sounds_of_recordings", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="sounds_pk"),
    )
