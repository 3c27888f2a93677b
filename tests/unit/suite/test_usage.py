"""Wrong arguments are told in one sentence that names the option, and everything that `--help` shows is there in Chinese."""

import re
import subprocess
import sys

import pytest
from kit.cli import Call

from shared.language import Language, speaking

WRONG = [
    (("serve", "--port", "abc"), "--port: a number is wanted.", "--port：须为数字。"),
    (("serve", "--port", "99999"), "--port: must be at most 65535", "--port: 不得大于 65535"),
    (("serve", "--bogus"), "There is no option --bogus", "没有选项 --bogus"),
    (("serve", "--role", "x"), "--role: x is none of all, api, worker.", "--role：x 不是其中之一：all, api, worker。"),
    (("serve", "gateway", "--demo"), "--demo: the demonstration needs the whole suite", "--demo：演示需要整个套件"),
    (("srve",), "There is no command srve (did you mean serve?).", "没有命令 srve（是否指 serve？）。"),
    (("keys", "rotate"), "key_id is missing.", "缺少 key_id。"),
    (("keys", "create", "x", "--kind"), "--kind needs a value.", "--kind 需要一个值。"),
    (("keys", "list", "more"), "There is more than the command takes: more.", "多余的参数：more。"),
    (("keys", "list", "--url", "x"), "--url: must be http://host:port", "--url: 须为 http://host:port"),
    (("--lang", "fr"), "--lang: fr is none of en, zh.", "--lang：fr 不是其中之一：en, zh。"),
    (
        ("import", "orders", "x.csv", "--time-zone", "Mars"),
        "--time-zone takes an IANA name",
        "--time-zone 须为 IANA 名称",
    ),
]


@pytest.mark.parametrize(
    ("arguments", "english", "chinese"), WRONG, ids=lambda one: " ".join(one) if isinstance(one, tuple) else ""
)
def test_what_is_wrong_is_told_by_its_name(
    quanyu: Call, arguments: tuple[str, ...], english: str, chinese: str
) -> None:
    for language, sentence in ((Language.ENGLISH, english), (Language.CHINESE, chinese)):
        with speaking(language):
            code, _, said = quanyu(*arguments)
        assert code in (1, 2)
        assert sentence in said
        assert "Value error" not in said
        assert "Input should" not in said
        assert len(said.splitlines()) == 1


@pytest.mark.parametrize("arguments", [(), ("keys", "create"), ("serve",), ("import", "orders")], ids=" ".join)
def test_help_is_chinese_and_whole(arguments: tuple[str, ...]) -> None:
    """In a process of its own: help is in the language that is spoken when the commands are loaded."""
    call = [sys.executable, "-m", "suite", *arguments, "--help"]
    run = subprocess.run(call, capture_output=True, text=True, check=True, env={"LANG": "zh_CN.UTF-8", "PATH": ""})
    assert "用法" in run.stdout
    assert "…" not in run.stdout, "nothing is cut off"
    assert re.search(r"\b(Show|Options|Arguments|Commands|default)\b", run.stdout) is None
