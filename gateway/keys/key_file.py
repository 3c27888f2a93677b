"""The file in which the administrator's key lies, for who owns the data folder. It follows the key when that changes."""

from pathlib import Path

from gateway.keys.rules import digest
from gateway.own_secret import fault_of_secret
from shared import private_files

NAME = "admin.key"


class KeyFile:
    """`admin.key` in the data folder."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / NAME

    def key(self) -> str | None:
        """The key in the file; None when there is no file, or something else in it."""
        try:
            text = self.path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return None if fault_of_secret(text) else text

    def read_or_create(self, fresh: str) -> str:
        """The key in the file, which is `fresh` where there was none. Gateways that share a folder all get the same."""
        if self.path.exists() and self.key() is None:
            private_files.write(self.path, fresh)
        return private_files.read_or_create(self.path, lambda: fresh)

    def write(self, key: str) -> None:
        """Put the key in, whatever was there."""
        private_files.write(self.path, key)

    def follow(self, key: str) -> None:
        """Where there is a file, let it hold this key from now on. Where there is none the key is kept elsewhere."""
        if self.path.exists() and self.key() != key:
            private_files.write(self.path, key)

    def holds(self, fingerprint: str) -> bool:
        """Whether the file holds the key of this digest."""
        key = self.key()
        return key is not None and digest(key) == fingerprint

    def remove(self) -> None:
        """Do away with the file."""
        self.path.unlink(missing_ok=True)

    def close_to_others(self) -> None:
        """See that nobody else may read it."""
        private_files.close_to_others(self.path)
