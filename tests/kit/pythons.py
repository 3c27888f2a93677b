"""The Pythons of this machine that Quanyu runs on. A test for each says by its ids which were there; absent ones are no skip."""

import os
import subprocess
from functools import cache
from pathlib import Path

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
_PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"


@cache
def installed() -> dict[str, Path]:
    """The interpreter of each version: on the PATH, or of pyenv, whose shims answer for one version only."""
    places = [Path(place) for place in os.environ["PATH"].split(os.pathsep) if place and "shims" not in place]
    found: dict[str, Path] = {}
    for version in VERSIONS:
        candidates = [*places, *sorted(_PYENV.glob(f"{version}.*/bin")), Path("/usr/bin"), Path("/usr/local/bin")]
        for python in (place / f"python{version}" for place in candidates):
            if python.exists() and _is(python, version):
                found[version] = python
                break
    return found


def _is(python: Path, version: str) -> bool:
    """A whole Python of this version, and no environment of another one: that is what makes environments."""
    asks = "import ensurepip, sys; print('%d.%d' % sys.version_info[:2], sys.prefix == sys.base_prefix)"
    done = subprocess.run([python, "-c", asks], capture_output=True, text=True, check=False)
    return done.stdout.split() == [version, "True"]
