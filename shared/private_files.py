"""Files that only the user may read whose program made them: databases, keys, secrets.

Nothing is left to the umask: a program that is started otherwise than by `quanyu` keeps its secrets as well.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from getpass import getuser
from pathlib import Path
from secrets import token_hex

from shared.language import say

try:
    import fcntl
except ImportError:  # Windows, where nothing stands in the way of two
    fcntl = None  # type: ignore[assignment]

OURS = (".db", ".db-wal", ".db-shm", ".key", ".secret", ".lock")
"""How the names of files in a data folder end."""
_OTHERS = 0o077


class HeldByAnother(Exception):
    """Another process holds the file; it says which."""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the file inside the block, as its only process; a killed one holds nothing. Raises HeldByAnother."""
    make_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HeldByAnother(os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown") from None
        os.truncate(descriptor, 0)
        os.write(descriptor, b"%d\n" % os.getpid())
        yield
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """The folder, for its owner alone (700).

    One that was there is closed to others where it belongs to this user and holds nothing but what is ours; a folder with
    other things in it may be shared on purpose, and stays as somebody made it.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if open_to_others(path) and all(one.name.endswith(OURS) for one in path.iterdir()):
        close_to_others(path)


def open_to_others(path: Path) -> bool:
    """True when other users of this machine may do something with it. Systems without such rights have none."""
    try:
        return os.name == "posix" and bool(path.stat().st_mode & _OTHERS)
    except OSError:
        return False


def close_to_others(path: Path) -> None:
    """Take every right of other users from a file of ours. One that is not there, or not ours, is left alone.

    So is a folder in which everybody may make files of their own (`/tmp`).
    """
    if open_to_others(path) and (there := path.stat()).st_uid == os.geteuid() and not there.st_mode & stat.S_ISVTX:
        path.chmod(there.st_mode & ~_OTHERS)


def trouble(path: Path) -> str | None:
    """Why this user can't keep a file there, as a person would say it; None when they can."""
    for one in (path, *path.parents):
        if not one.exists():
            continue
        if one is not path and not one.is_dir():
            return say(f"{one} is no folder", f"{one} 不是目录")
        if not os.access(one, os.R_OK | os.W_OK | (os.X_OK if one.is_dir() else 0)):
            owner, user = _owner(one), getuser()
            return say(
                f"{one} belongs to {owner} and this user ({user}) may not write it",
                f"{one} 属于 {owner}，当前用户（{user}）不能写",
            )
        if one is not path:
            return None  # what is missing may be made here
    return None


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (KeyError, NotImplementedError):  # no name for the number, or a system without owners
        return say("another user", "其他用户")


def touch(path: Path) -> None:
    """See that the file is there and private.

    One that was there is never opened: closing it would end the locks that SQLite holds on it in this process.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        close_to_others(path)


def write(path: Path, text: str) -> None:
    """Write the file anew: whoever reads it finds the old text or the new one, also after a crash."""
    make_folder(path.parent)
    _fresh(path, text).replace(path)


def read_or_create(path: Path, make: Callable[[], str]) -> str:
    """What the file says; without it what `make` answers, which is then the file's. All who come at once get the same."""
    make_folder(path.parent)
    if not path.exists():
        fresh = _fresh(path, make())
        try:
            os.link(fresh, path)  # appears whole, and only where there is none
        except FileExistsError:
            pass  # somebody else was faster
        finally:
            fresh.unlink()
    close_to_others(path)
    return path.read_text(encoding="ascii").strip()


def _fresh(path: Path, text: str) -> Path:
    fresh = path.with_name(f".{path.name}.{token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    return fresh
