"""Which language the command line speaks: `--lang`, then what the environment asks for, where the terminal can show it."""

import io
from collections.abc import Iterator

import pytest

from shared.language import Language, say, settle, speaking, spoken, wanted

UTF8, GBK = (io.TextIOWrapper(io.BytesIO(), encoding=name) for name in ("utf-8", "gbk"))
CHINESE = {"LANG": "zh_CN.UTF-8"}


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    with speaking(Language.ENGLISH):
        yield


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN"}, "zh"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_TW.utf8"}, "zh"),
        ({"LANG": "zh"}, "zh"),
        ({"LANG": "zh_CN.GBK"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LC_ALL": "en_GB.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_GB.UTF-8", "LANGUAGE": "zh_CN"}, "zh"),
        ({"LANG": "en_GB.UTF-8", "LANGUAGE": "fr:zh_CN:en"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": "en:zh"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": "fr"}, "zh"),
        ({"LANG": "C", "LANGUAGE": "zh_CN"}, "en"),
        ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LANG": "POSIX", "LANGUAGE": "zh_CN"}, "en"),
        ({"LANGUAGE": "zh_CN"}, "en"),
        ({"LANG": "zhuang"}, "en"),
    ],
)
def test_what_the_environment_asks_for(environment: dict[str, str], language: str) -> None:
    assert wanted(environment) == language


def test_a_terminal_without_unicode_reads_english() -> None:
    settle([], CHINESE, (UTF8, UTF8))
    assert say("yes", "是") == "是"
    settle([], CHINESE, (UTF8, GBK))
    assert say("yes", "是") == "yes"


@pytest.mark.parametrize(
    ("arguments", "handed_on", "language"),
    [
        (["keys", "list"], ["keys", "list"], "zh"),
        (["--lang", "en", "keys", "list"], ["--lang", "en", "keys", "list"], "en"),
        (["keys", "list", "--lang=en"], ["--lang", "en", "keys", "list"], "en"),
        (["keys", "--lang", "en", "list", "--lang", "zh"], ["--lang", "zh", "keys", "list"], "zh"),
        (["keys", "--", "--lang", "en"], ["keys", "--", "--lang", "en"], "zh"),
        (["keys", "--lang"], ["--lang", "", "keys"], "zh"),
        (["keys", "--lang", "fr"], ["--lang", "fr", "keys"], "zh"),
    ],
)
def test_the_flag_may_stand_anywhere(arguments: list[str], handed_on: list[str], language: str) -> None:
    assert settle(arguments, CHINESE, (UTF8, UTF8)) == handed_on
    assert spoken() == language
