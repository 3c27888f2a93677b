"""The command line: what is wrong is said in a sentence that helps, without a traceback; flags go before environment and .env."""

import socket
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.cli import Call
from kit.servers import free_port

from gateway.settings import GatewaySettings
from shared.ids import new_id
from shared.language import Language, speaking
from suite.client import Problem
from suite.commands import imports
from suite.commands.common import caller, flags
from suite.errors import Stop
from suite.settings import SuiteSettings, load


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_in_use(quanyu: Call, taken_port: int) -> None:
    code, _, said = quanyu("serve", "--port", str(taken_port))
    assert code == 1
    assert f"Port {taken_port} is in use" in said
    assert f"make run PORT={taken_port + 1}" in said
    assert "--port" in said


def test_a_host_that_is_not_ours(quanyu: Call) -> None:
    code, _, said = quanyu("serve", "--host", "203.0.113.1", "--port", "0")
    assert (code, "Cannot listen on 203.0.113.1" in said) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("serve", "copon"), "copon"),
        (("srve",), "srve"),
        (("serve", "--port", "many"), "--port"),
        (("import", "order"), "order"),
    ],
)
def test_a_typo(quanyu: Call, arguments: tuple[str, ...], named: str) -> None:
    code, _, said = quanyu(*arguments)
    assert code == 2
    assert named in said


def test_one_part_alone_needs_a_broker(quanyu: Call) -> None:
    code, _, said = quanyu("serve", "coupon", "--port", "0")
    assert (code, "QUANYU_BROKER_URL" in said) == (1, True)


def test_full_needs_its_servers(quanyu: Call) -> None:
    code, _, said = quanyu("full")
    assert code == 1
    assert "QUANYU_DATABASE_URL" in said
    assert "QUANYU_BROKER_URL" in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QUANYU_PORT", "eighty"),
        ("QUANYU_BUS_RETRY_SECONDS", "soon"),
        ("QUANYU_ENVIRONMENT", "test"),
        ("QUANYU_DATABASE_URL", "mysql://root:hidden-word@127.0.0.1/x"),
        ("QUANYU_BROKER_URL", "redis://user:hidden-word@127.0.0.1/"),
    ],
)
def test_a_wrong_setting_is_named(quanyu: Call, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    code, _, said = quanyu("serve", "--port", "0") if name != "QUANYU_PORT" else quanyu("serve")
    assert code == 1
    assert name in said
    assert "hidden-word" not in said


@pytest.mark.parametrize("host", ["127.0.0.1:1", "no-such-host.invalid"])
def test_a_database_that_is_away(quanyu: Call, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("QUANYU_DATABASE_URL", f"postgresql://user:hidden-word@{host}/quanyu")
    for command in (("serve", "--port", "0"), ("migrate",)):
        code, _, said = quanyu(*command)
        assert code == 1
        assert f"{host}/quanyu" in said
        assert "QUANYU_DATABASE_URL" in said
        assert "hidden-word" not in said


def test_a_data_folder_that_is_none(quanyu: Call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, said = quanyu("serve", "--port", "0", "--data-dir", str(tmp_path / "file"))
    assert (code, f"{tmp_path / 'file'} is no folder" in said) == (1, True)


def test_production_refuses_the_defaults_without_printing_secrets(
    quanyu: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUANYU_ENVIRONMENT", "production")
    monkeypatch.setenv("QUANYU_INTERNAL_SECRET", "too-short")
    code, _, said = quanyu("serve", "--port", "0")
    assert code == 1
    assert "QUANYU_INTERNAL_SECRET" in said
    assert "QUANYU_DATABASE_URL" in said
    assert "too-short" not in said


def test_the_demonstration_has_no_place_in_production(quanyu: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANYU_ENVIRONMENT", "production")
    code, _, said = quanyu("serve", "--demo", "--port", "0")
    assert (code, "made-up customers" in said) == (1, True)


def test_nobody_answers(quanyu: Call) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    for command in (("tour",), ("keys", "list"), ("import", "orders", "none.csv")):
        code, _, said = quanyu(*command, "--url", url, "--key", "qy_test")
        assert code == 1
        assert f"No suite answers at {url}" in said
        assert "quanyu serve" in said


@pytest.mark.parametrize(
    ("flag", "value"), [("--source", "tao bao"), ("--currency", "yuan"), ("--time-zone", "Mars/X"), ("--map", "who")]
)
def test_a_wrong_flag_of_the_import(quanyu: Call, flag: str, value: str) -> None:
    code, _, said = quanyu("import", "orders", "orders.csv", flag, value)
    assert code == 1
    assert value.lower() in said.lower()


@pytest.mark.parametrize("folder", [".", "..", "/"])
def test_a_folder_where_a_file_was_meant(quanyu: Call, folder: str) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    code, _, said = quanyu("import", "orders", folder, "--url", url, "--key", "qy_test")
    assert (code, said.startswith("quanyu: "), len(said.splitlines())) == (1, True, 1)


def test_a_currency_is_refused_in_one_language() -> None:
    with speaking(Language.CHINESE), pytest.raises(Stop) as refused:
        imports._currency("RMB")
    assert "人民币写作 CNY" in str(refused.value)
    assert "must be" not in str(refused.value)


def test_what_is_wrong_is_told_once() -> None:
    one = {"pointer": "#/role", "detail": "This must be 'viewer'."}
    alone = {"code": "validation_failed", "detail": "#/role: This must be 'viewer'.", "errors": [one]}
    assert str(Problem(422, alone, "POST /v1/accounts")).count("#/role") == 1
    several = alone | {
        "detail": "#/role: This must be 'viewer'. (and 1 more)",
        "errors": [one, {**one, "pointer": "#/x"}],
    }
    assert "#/x: " in str(Problem(422, several, "POST /v1/accounts"))


def test_a_fresh_secret_is_taken_as_the_administrators(quanyu: Call) -> None:
    secrets = [quanyu("keys", "generate")[1].strip() for _ in range(2)]
    assert len(set(secrets)) == 2
    for secret in secrets:
        assert GatewaySettings(admin_key=secret).admin_key is not None


def test_a_lost_key_in_a_folder_that_nobody_used(quanyu: Call, tmp_path: Path) -> None:
    code, _, said = quanyu("keys", "reset-admin", "--data-dir", str(tmp_path / "dta"))
    assert (code, "--data-dir" in said) == (1, True)
    assert not (tmp_path / "dta").exists()


@pytest.mark.parametrize("secret", ["hidden-word", "hidden word " * 4])
def test_a_given_key_that_is_too_weak(quanyu: Call, monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    monkeypatch.setenv("QUANYU_ADMIN_KEY", secret)
    code, _, said = quanyu("serve", "--port", "0")
    assert (code, "QUANYU_ADMIN_KEY" in said, "quanyu keys generate" in said) == (1, True, True)
    assert "hidden" not in said


def test_no_key(quanyu: Call) -> None:
    code, _, said = quanyu("tour")
    assert code == 1
    assert "--key" in said
    assert "admin.key" in said


def test_another_program_answers(quanyu: Call, tmp_path: Path) -> None:
    import http.server
    import threading

    class Quiet(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        do_POST = do_GET  # noqa: N815 - the standard library's names

        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        code, _, said = quanyu("keys", "list", "--url", url, "--key", "qy_test")
        server.shutdown()
        thread.join()
    assert code == 1
    assert "Does another program run there?" in said


def test_a_list_of_keys_in_a_pipe_is_a_line_for_each(quanyu: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    scopes = ["coupon:*:read", "coupon:coupons:write", "inventory:availability:read"]
    key = {"id": new_id("key"), "kind": "publishable", "status": "active", "name": "Administrator", "scopes": scopes}

    def answered(work: Coroutine[Any, Any, Any]) -> list[dict[str, Any]]:
        work.close()
        return [key]

    monkeypatch.setattr("suite.commands.keys.run", answered)
    monkeypatch.setenv("COLUMNS", "80")
    _, said, _ = quanyu("keys", "list")
    assert [line.split() for line in said.splitlines()] == [
        ["id", "kind", "status", "name", "scopes"],
        [key["id"], "publishable", "active", "Administrator", *scopes],
    ]


def test_flags_go_before_environment_before_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(SuiteSettings, {}).port == 8000
    (tmp_path / ".env").write_text("QUANYU_PORT=8001\nQUANYU_HOST=\n")
    assert load(SuiteSettings, {}).port == 8001
    assert load(SuiteSettings, {}).host == "127.0.0.1"  # empty = not given
    monkeypatch.setenv("QUANYU_PORT", "8002")
    assert load(SuiteSettings, {}).port == 8002
    assert load(SuiteSettings, flags(port=8003, host=None)).port == 8003


def test_the_key_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUANYU_ADMIN_KEY", "qy_live_sk_x")
    settings = caller("http://127.0.0.1:9", None)
    assert settings.admin_key is not None
    assert settings.admin_key.get_secret_value() == "qy_live_sk_x"
    assert "qy_live_sk_x" not in repr(settings)


def test_help_names_every_command(quanyu: Call) -> None:
    _, said, _ = quanyu("--help")
    for command in ("serve", "migrate", "tour", "import", "keys", "parked", "doctor", "full"):
        assert command in said


def test_who_owns_the_data_makes_an_administrator(quanyu: Call, tmp_path: Path) -> None:
    assert quanyu("migrate", "gateway", "--data-dir", str(tmp_path))[0] == 0
    code, said, _ = quanyu("accounts", "create-administrator", "老板", "--data-dir", str(tmp_path))
    assert (code, "http://127.0.0.1:8000/sign-in#qyl_" in said) == (0, True)
    assert quanyu("accounts", "reset-second-factor", "老板", "--data-dir", str(tmp_path))[0] == 0
    for command, login, told in (
        ("create-administrator", "老板", "login"),
        ("create-administrator", "x" * 200, "login"),
        ("reset-second-factor", "nobody", "no such account"),
    ):
        code, _, said = quanyu("accounts", command, login, "--data-dir", str(tmp_path))
        assert (code, told in said) == (1, True), said
