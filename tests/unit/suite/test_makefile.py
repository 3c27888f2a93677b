"""Which Python `make` takes, what it says when none will do, and that half an environment is not taken for a whole one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from kit import pythons

ROOT = Path(__file__).parents[3]
TOOLS = ("sh", "rm", "touch", "mkdir", "chmod")

EMPTY = "printf '#!/bin/sh\\nexit {}\\n'"
ENVIRONMENT = (
    f"""mkdir -p "$4/bin"; for one in python pip; do {EMPTY.format(0)} >"$4/bin/$one"; chmod +x "$4/bin/$one"; done"""
)
NO_PIP = f"""mkdir -p "$4/bin"; {EMPTY.format(1)} >"$4/bin/python"; chmod +x "$4/bin/python"; exit 1"""


class Machine:
    """A folder that is the whole PATH, with made-up Pythons in it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bin"
        self.environment = folder / "env"
        self.path.mkdir()
        for tool in TOOLS:
            (self.path / tool).symlink_to(shutil.which(tool) or "")

    def put(self, name: str, version: str, makes: str = ENVIRONMENT, *, venv: bool = True) -> None:
        """A Python of that version. `makes` is what it does for `-m venv --clear FOLDER`."""
        major, minor = version.split(".")
        real = f"""exec {sys.executable} -c "import sys; sys.version_info = ({major}, {minor}, 0); $2" """
        text = f"""#!/bin/sh
            case "$1 $2" in
              "-m venv") {makes};;
              *ensurepip*) exit {0 if venv else 1};;
              "-c "*) {real};;
              -V*) echo "Python {version}.0";;
            esac"""
        (self.path / name).write_text(text)
        (self.path / name).chmod(0o755)

    def make(self, *given: str) -> tuple[int, str]:
        done = subprocess.run(
            [shutil.which("make") or "", f"VENV={self.environment}", f"{self.environment}/.whole", *given],
            cwd=ROOT, env={"PATH": str(self.path)}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        ({"python3.13": "3.13"}, "python3.13"),
        ({"python3.12": "3.12", "python3.14": "3.14", "python3": "3.9"}, "python3.12"),
        ({"python3.11": "3.11", "python3.12": "3.12"}, "python3.11"),
        ({"python3": "3.13"}, "python3"),
        ({"python3.11": "3.10", "python3.12": "3.12"}, "python3.12"),
    ],
)
def test_the_first_python_that_fits_is_taken(machine: Machine, there: dict[str, str], taken: str) -> None:
    for name, version in there.items():
        machine.put(name, version)
    code, said = machine.make()
    assert (code, f"with {taken} (Python " in said) == (0, True), said
    assert (machine.environment / ".whole").exists()


@pytest.mark.parametrize("there", [{}, {"python3": "3.10"}, {"python3": "3.15"}])
def test_no_python_that_fits(machine: Machine, there: dict[str, str]) -> None:
    for name, version in there.items():
        machine.put(name, version)
    code, said = machine.make()
    assert code != 0
    assert "Quanyu needs Python 3.11, 3.12, 3.13 or 3.14" in said
    assert "PYTHON=/path/to/python3" in said
    assert not machine.environment.exists()


def test_a_python_that_was_named_and_no_other(machine: Machine) -> None:
    machine.put("python3.11", "3.11")
    machine.put("mine", "3.14")
    code, said = machine.make("PYTHON=mine")
    assert (code, "with mine (Python 3.14.0)" in said) == (0, True), said
    shutil.rmtree(machine.environment)
    machine.put("mine", "3.9")
    code, said = machine.make("PYTHON=mine")
    assert (code != 0, "and mine has none of them" in said) == (True, True), said


def test_a_python_without_its_venv_package(machine: Machine) -> None:
    """Debian's: the next one that can make an environment is taken; where there is none, the package is named."""
    machine.put("python3.12", "3.12", NO_PIP, venv=False)
    code, said = machine.make()
    assert code != 0
    assert "apt install python3.12-venv" in said
    machine.put("python3.13", "3.13")
    code, said = machine.make()
    assert (code, "with python3.13" in said) == (0, True), said


def test_half_an_environment_is_made_anew(machine: Machine) -> None:
    """As the venv package's absence leaves it, or Ctrl-C: a python, and no pip."""
    machine.put("python3.13", "3.13", NO_PIP)
    assert machine.make()[0] != 0
    assert (machine.environment / "bin" / "python").exists()
    assert not (machine.environment / ".whole").exists()
    machine.put("python3.13", "3.13")
    code, said = machine.make()
    assert (code, "Making" in said) == (0, True), said


def test_a_whole_environment_stays(machine: Machine) -> None:
    machine.put("python3.13", "3.13")
    assert machine.make()[0] == 0
    (machine.environment / ".whole").unlink()
    kept = machine.environment / "kept"
    kept.touch()
    code, said = machine.make()
    assert (code, "Making" in said, kept.exists()) == (0, False, True), said


@pytest.mark.parametrize("version", pythons.installed())
def test_each_python_that_is_installed_makes_an_environment(version: str, tmp_path: Path) -> None:
    """Really; and every file of ours compiles on it without a warning, which the next version may take for an error."""
    python, environment = pythons.installed()[version], tmp_path / "env"
    done = subprocess.run(
        ["make", f"VENV={environment}", f"PYTHON={python}", f"{environment}/.whole"],
        cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    compiling = (
        "import pathlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    for path in pathlib.Path(name).rglob('*.py'):\n"
        "        compile(path.read_text(encoding='utf-8'), str(path), 'exec')\n"
    )
    ours = ["shared", "gateway", "services", "suite"]
    command = [str(environment / "bin" / "python"), "-W", "error", "-c", compiling, *ours]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_python_of_these_tests_is_among_them() -> None:
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in pythons.VERSIONS
    assert pythons.installed(), "some Python made the environment of these tests"
