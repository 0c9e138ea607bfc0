"""What Alembic runs to take the steps: on the connection that it is given, and within the transaction there."""

from alembic import context

from intone.serve.tables import VERSIONS, metadata


def migrate() -> None:
    """Bring the database to the revision that was asked for."""
    context.configure(
        connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSIONS
    )
    with context.begin_transaction():
        context.run_migrations()


if (
    __name__ == "env_py"
):  # Alembic's name for it; whatever else imports this module, as a doctest run does, asks nothing
    migrate()
