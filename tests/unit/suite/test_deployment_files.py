"""Compose file, Dockerfile and Makefile say what the code says. Containers can't be started here; this is what can be held."""

import hashlib
import hmac
import os
import re
import stat
import subprocess
from base64 import b64decode, b64encode
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from kit import servers
from kit.postgres import TestDatabase

from gateway.settings import GatewaySettings
from shared.settings import ServiceSettings
from suite import wiring
from suite.parts import PARTS, SERVICES
from suite.setting_names import check_names
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
            own = {f"QUANYU_{field.upper()}", f"QUANYU_{part.upper()}_{field.upper()}"}
            names |= own | {f"{name}_FILE" for name in own}
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
    assert set(services["gateway"]["depends_on"]) >= {"migrate", *SERVICES}


OURS = {name for name, service in COMPOSE["services"].items() if service["image"].startswith("quanyu:")}
SERVERS = {"postgres", "rabbitmq", "redis"}


def test_every_secret_of_the_compose_file_comes_from_a_file() -> None:
    """What stands in `environment` is shown by `docker inspect`, and to whoever may read `/proc`."""
    for name, service in COMPOSE["services"].items():
        given = {one["source"] if isinstance(one, dict) else one for one in service.get("secrets", ())}
        assert given <= set(COMPOSE["secrets"])
        for variable, value in service.get("environment", {}).items():
            assert "://" not in str(value) or "@" not in str(value), (name, variable)
            if re.search(r"PASSWORD|SECRET|PASS|KEY|DATABASE_URL|BROKER_URL|REDIS_URL", variable):
                assert variable.endswith("_FILE"), (name, variable)
                assert value.removeprefix("/run/secrets/") in given, (name, variable)


def test_a_part_gets_its_own_password_and_no_other() -> None:
    everybodys = {"internal_secret", "broker_url"}
    more = {"gateway": {"admin_key", "redis_url"}, "migrate": {f"{part}_database_url" for part in PARTS}}
    for name in OURS - {"quanyu"}:
        own = set() if name == "migrate" else {f"{name.removesuffix('-worker')}_database_url"}
        assert set(COMPOSE["services"][name]["secrets"]) == everybodys | own | more.get(name, set()), name
    assert set(COMPOSE["services"]["postgres"]["secrets"]) == {
        "postgres_password",
        *(f"{part}_password" for part in PARTS),
    }


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_every_container_is_bounded(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}}
    assert service["restart"] in ("unless-stopped", "on-failure")
    assert service["cpus"] > 0
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert service["pids_limit"] >= 512
    assert re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?(-bookworm)?", service["image"]), "an exact version"
    if name in OURS:
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["tmpfs"] == ["/tmp:size=64m,mode=1777"]  # noqa: S108 - of the container
        assert service["init"] is True


def test_the_door_alone_is_seen_from_outside() -> None:
    services = COMPOSE["services"]
    assert COMPOSE["networks"]["servers"] == {"internal": True}
    assert {name for name, one in services.items() if "ports" in one} == {"quanyu", "gateway"}
    assert all(port.startswith("127.0.0.1:") for one in services.values() for port in one.get("ports", ()))
    for name in (SERVERS | OURS) - {"quanyu"}:
        out = name in ("gateway", "journey")
        assert services[name]["networks"] == (["servers", "front"] if out else ["servers"]), name
    network = COMPOSE["networks"]["front"]["ipam"]["config"][0]
    assert network["gateway"] in services["gateway"]["environment"]["QUANYU_TRUSTED_PROXIES"]


def test_secrets_are_made_once_and_lie_behind_a_closed_door(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    run = partial(
        subprocess.run, ["sh", ROOT / "deploy/secrets.sh", folder], capture_output=True, text=True, check=True
    )
    printed = run().stdout
    made = {path.name: path.read_text().strip() for path in folder.iterdir()}
    assert run().stdout == ""
    assert {path.name: path.read_text().strip() for path in folder.iterdir()} == made
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {Path(one["file"]).name for one in COMPOSE["secrets"].values()} <= set(made)
    by_chance = [value for name, value in made.items() if name.endswith(("_password", "_secret", "_key"))]
    assert len(by_chance) == len(set(by_chance)) == 10
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in by_chance)
    assert not any(value in printed for value in by_chance)
    for part in PARTS:
        assert (
            made[f"{part}_database_url"]
            == f"postgresql://quanyu_{part}:{made[f'{part}_password']}@postgres:5432/quanyu"
        )


def test_what_compose_hands_over_starts_every_part_in_production(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run(["sh", ROOT / "deploy/secrets.sh", tmp_path], capture_output=True, check=True)
    for part in PARTS:
        with monkeypatch.context() as environment:
            for name, value in COMPOSE["services"][part]["environment"].items():
                value = re.sub(r"\$\{[A-Z_]+:-(.*)\}", r"\1", value)
                environment.setenv(name, value.replace("/run/secrets", str(tmp_path)))
            check_names()
            settings = wiring.settings_of(part, {})
            assert settings.environment == "production"
            assert (settings.database_url or "").startswith(f"postgresql://quanyu_{part}:")


def test_the_image_is_pinned_and_not_root() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes" in text
    assert re.search(r"^USER quanyu$", text, re.M)
    assert set(re.findall(r"^FROM (\S+)", text, re.M)) == {"python:3.11.14-slim-bookworm"}
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
        assert text.count(f"'{part}'") == 4
        assert f"\\getenv {part} {part.upper()}_PASSWORD" in text


def test_the_roles_script_runs_twice_and_keeps_the_parts_apart(tmp_path: Path) -> None:
    servers.require("postgresql")
    database = TestDatabase("roles")
    database.create()
    # other names than the real roles, which belong to the whole server
    script = (ROOT / "deploy/postgres/roles.sql").read_text().replace("quanyu_", "quanyu_test_roles_")
    (tmp_path / "roles.sql").write_text(script)
    for part in PARTS:
        (tmp_path / f"{part}_password").write_text(f"it's of {part}\n")
    where = urlsplit(database.url)
    environment = {
        **os.environ,
        "PGHOST": str(where.hostname),
        "PGPORT": str(where.port),
        "POSTGRES_USER": str(where.username),
        "POSTGRES_DB": where.path[1:],
        "SECRETS": str(tmp_path),
        "ROLES_SQL": str(tmp_path / "roles.sql"),
    }
    try:
        for _ in range(2):
            command = ["bash", str(ROOT / "deploy/postgres/roles.sh")]
            subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        listed = psql(database.url, "SELECT rolname, rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL")
        verifiers = dict(line.split("|", 1) for line in listed)
        for part in PARTS:
            stored = verifiers[f"quanyu_test_roles_{part}"]
            assert is_password(stored, f"it's of {part}")
            assert not is_password(stored, "it's of another")
        other = re.sub(r"//[^@]*@", "//quanyu_test_roles_coupon:it%27s%20of%20coupon@", database.url)
        psql(other, "CREATE TABLE coupon.mine (id int)")
        with pytest.raises(subprocess.CalledProcessError, match="psql"):
            psql(other, "CREATE TABLE segments.foreign (id int)")
    finally:
        database.drop()
        for part in PARTS:
            psql(servers.POSTGRES_URL, f"DROP ROLE IF EXISTS quanyu_test_roles_{part}")


def is_password(stored: str, password: str) -> bool:
    """True when PostgreSQL's verifier (RFC 5803) is this password's."""
    rounds, salt, stored_key = re.fullmatch(r"SCRAM-SHA-256\$(\d+):(.+)\$(.+):.+", stored).groups()  # type: ignore[union-attr]
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), b64decode(salt), int(rounds))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return b64encode(hashlib.sha256(client_key).digest()).decode() == stored_key


def psql(url: str, script: str) -> list[str]:
    command = ["psql", "-qAt", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", "-"]
    return subprocess.run(command, input=script, text=True, capture_output=True, check=True).stdout.splitlines()


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
