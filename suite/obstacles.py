"""What may stand in the way of a start, each a sentence for the operator."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from shared import private_files
from shared.db import Trouble, kind_of
from shared.db.migrate import NewerSchema
from shared.roles import Role
from shared.settings import ServiceSettings
from suite.errors import Stop


@contextmanager
def telling(name: str, settings: ServiceSettings) -> Iterator[None]:
    """A database or a data folder that can't be used at the start is a sentence for the operator."""
    try:
        yield
    except NewerSchema as error:
        raise Stop(
            f"The database of {name} was made by a newer version of Quanyu: {error}. Start that version, or restore the backup "
            "from before it was used (docs/runbook.md)."
        ) from error
    except (OSError, SQLAlchemyError) as error:
        url = make_url(settings.resolved_database_url(name))
        if url.get_backend_name() == "sqlite" and (trouble := private_files.trouble(Path(url.database or ""))):
            raise Stop(f"The suite can't keep its data: {trouble}.") from error
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error).splitlines()[0]
        if (found := kind_of(error)) is not None and found is not Trouble.AWAY:
            reason = f"it {found.value}"
        own = "" if name == "bus" else f" (or QUANYU_{name.upper()}_DATABASE_URL)"
        where = shown(settings.resolved_database_url(name))
        raise Stop(
            f"The database of {name}, {where}, can't be used: {reason.split('Error) ')[-1].rstrip('.')}. "
            f"Check QUANYU_DATABASE_URL{own} and that the server runs; "
            "for SQLite, that the data folder may be written."
        ) from error


def shown(url: str) -> str:
    """A database as a person reads it: the path of a file, an address without its password."""
    parsed = make_url(url)
    return (
        str(parsed.database) if parsed.get_backend_name() == "sqlite" else parsed.render_as_string(hide_password=True)
    )


@contextmanager
def alone(folder: Path, role: Role) -> Iterator[None]:
    """Two suites on the same files would each do the other's work. Raises Stop when another one keeps its data there.

    A process that answers and one that works may share the folder: they are one suite.
    """
    duties = {"suite.lock": role.answers, "worker.lock": role.works}
    try:
        with ExitStack() as stack:
            for name in (name for name, ours in duties.items() if ours):
                stack.enter_context(private_files.held(folder / name))
            yield
    except private_files.HeldByAnother as error:
        raise Stop(
            f"Another suite (process {error}) keeps its data in {folder}. Stop it, or give this one a folder of its own with "
            "--data-dir."
        ) from None


def see_the_database(settings: ServiceSettings) -> None:
    """Raises Stop where an embedded database would be made anew: nobody has used this folder yet."""
    url = make_url(settings.resolved_database_url())
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise Stop(
            f"No suite has kept its data in {settings.data_dir} yet. Say by --data-dir (or QUANYU_DATA_DIR) where it does."
        )


def see_the_secret(settings: ServiceSettings) -> None:
    """Raises Stop when the secret that the parts share can't be had."""
    try:
        settings.resolved_internal_secret()
    except OSError as error:
        raise Stop(
            f"The secret that the parts share can't be kept in {settings.data_dir}: {error.strerror}. "
            "Set QUANYU_INTERNAL_SECRET for all of them, or a data folder that may be written."
        ) from error
