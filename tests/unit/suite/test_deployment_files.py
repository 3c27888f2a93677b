"""Compose file, Dockerfile and Makefile say what the code says. Containers can't be started here; this is what can be held."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from kit import servers
from kit.postgres import TestDatabase

from gateway.settings import GatewaySettings
from shared.settings import ServiceSettings
from suite import wiring
from suite.parts import PARTS, SERVICES
from suite.settings import CallerSettings, SuiteSettings

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OPTIONS: dict[str, type[ServiceSettings]] = {
    **{name: wiring.service(name)[1] for name in SERVICES},
    "gateway": GatewaySettings,
    "suite": SuiteSettings,
    "caller": CallerSettings,
}


def known_variables() -> set[str]:
    names: set[str] = set()
    for part, options in OPTIONS.items():
        for field in options.model_fields:
            names |= {f"QUANYU_{field.upper()}", f"QUANYU_{part.upper()}_{field.upper()}"}
    return names


@pytest.mark.parametrize("file", ["docker-compose.yml", "Dockerfile", "Makefile", ".ci/run"])
def test_every_variable_named_is_a_setting(file: str) -> None:
    named = set(re.findall(r"\bQUANYU_[A-Z_]+\b", (ROOT / file).read_text()))
    assert {name for name in named if not name.startswith("QUANYU_TEST_")} <= known_variables()


def test_the_default_is_one_container_and_full_has_every_part() -> None:
    services = COMPOSE["services"]
    assert [name for name, service in services.items() if "profiles" not in service] == ["quanyu"]
    assert set(services) - {"quanyu"} == {*PARTS, "coupon-worker", "migrate", "postgres", "rabbitmq", "redis"}
    assert services["coupon-worker"]["command"] == ["serve", "coupon", "--role", "worker"]
    for name in PARTS:
        assert services[name]["command"] == ["serve", name, *(["--role", "api"] if name == "coupon" else [])]
        assert services[name]["environment"]["QUANYU_ENVIRONMENT"] == "production"
        assert f"QUANYU_{name.upper()}_DATABASE_URL" in services[name]["environment"]
    assert set(services["gateway"]["depends_on"]) >= {"migrate", *SERVICES}


def test_compose_holds_no_secret() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for line in re.findall(r".*(?:PASSWORD|SECRET|PASS|KEY)[^:]*:.*", text):
        assert "${" in line or line.lstrip().startswith("#"), line


def test_the_image_is_pinned_and_not_root() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes" in text
    assert re.search(r"^USER quanyu$", text, re.M)
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.M)
    allowed = (ROOT / ".dockerignore").read_text()
    for name in " ".join(copied).split():
        assert f"!{name}\n" in allowed, f"{name} is copied but ignored"


def test_make_explains_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", text, re.M)
    assert phony is not None
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [name for name in phony[1].split() if f"make {name} " not in shown] == []


def test_each_part_gets_a_role_and_a_schema_of_its_own() -> None:
    text = (ROOT / "deploy/postgres/roles.sql").read_text()
    for part in PARTS:
        assert text.count(f"'{part}'") == 3
        url = COMPOSE["services"][part]["environment"][f"QUANYU_{part.upper()}_DATABASE_URL"]
        assert url.startswith(f"postgresql://quanyu_{part}:")


def test_the_roles_script_runs_twice_and_keeps_the_parts_apart() -> None:
    servers.require("postgresql")
    database = TestDatabase("roles")
    database.create()
    # other names than the real roles, which belong to the whole server
    script = (ROOT / "deploy/postgres/roles.sql").read_text().replace("quanyu_", "quanyu_test_roles_")
    try:
        for _ in range(2):
            psql(database.url, script, POSTGRES_PASSWORD="it's")
        other = re.sub(r"//[^@]*@", "//quanyu_test_roles_coupon:it%27s@", database.url)
        psql(other, "CREATE TABLE coupon.mine (id int)")
        with pytest.raises(subprocess.CalledProcessError, match="psql"):
            psql(other, "CREATE TABLE segments.foreign (id int)")
    finally:
        database.drop()
        for part in PARTS:
            psql(servers.POSTGRES_URL, f"DROP ROLE IF EXISTS quanyu_test_roles_{part}")


def psql(url: str, script: str, **environment: str) -> None:
    command = ["psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", "-"]
    environment = {**os.environ, **environment}
    subprocess.run(command, input=script, text=True, capture_output=True, check=True, env=environment)


def test_no_secret_is_an_argument_of_a_command() -> None:
    """Whoever may look at processes would read it."""
    for name in (
        "deploy/README.md",
        "deploy/postgres/roles.sh",
        "docker-compose.yml",
        "Makefile",
        "README.md",
        "Dockerfile",
    ):
        assert re.findall(r"-v password=|--key[ =]|--password", (ROOT / name).read_text()) == [], name


def test_the_images_data_folder_is_its_users_alone() -> None:
    assert "install -d -m 700 -o quanyu -g quanyu /data" in (ROOT / "Dockerfile").read_text()
