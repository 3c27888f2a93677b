"""English or Chinese: what the command line says to the person who called it.

A sentence stands where it is said, in both languages, English first:

    raise Stop(say(f"There is no file {path}.", f"没有文件 {path}。"))

`tests/architecture/test_two_languages.py` finds a sentence without its twin, and twins that name different things. Log lines
are English everywhere, and so is what the API answers, where it does not send both.

Until `settle` has run everything is English: a service that no person started says nothing to one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, TextIO, TypeVar

FLAG = "--lang"
Command = TypeVar("Command", bound=Callable[..., Any])


class Language(StrEnum):
    """What people here read."""

    ENGLISH = "en"
    CHINESE = "zh"


_spoken = Language.ENGLISH


def say(english: str, chinese: str) -> str:
    """The sentence in the language that was settled on."""
    return chinese if _spoken is Language.CHINESE else english


def helps(chinese: str) -> Callable[[Command], Command]:
    """A command's docstring is its help in English; this is the other one. Decides when the command is imported."""

    def decorate(command: Command) -> Command:
        command.__doc__ = say(command.__doc__ or "", chinese)
        return command

    return decorate


def spoken() -> Language:
    """The language that was settled on."""
    return _spoken


def speak(language: Language) -> None:
    """Everything that is said from now on is in this language; what was said before, help texts too, stays."""
    global _spoken  # a process speaks with one person
    _spoken = language


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """This language inside the block."""
    before = _spoken
    speak(language)
    try:
        yield
    finally:
        speak(before)


def settle(arguments: Sequence[str], environment: Mapping[str, str], streams: Sequence[TextIO]) -> list[str]:
    """Settle on a language before anything is said; answers the arguments with `--lang` before the command.

    `--lang` may stand anywhere, and is obeyed even where the terminal can't show it all. The environment is heard only where
    every stream writes UTF-8.
    """
    flagged, rest = _flagged(arguments)
    unicode = all((stream.encoding or "").replace("-", "").lower() == "utf8" for stream in streams)
    speak(wanted(environment) if unicode else Language.ENGLISH)
    if flagged in list(Language):
        speak(Language(flagged))
    return rest if flagged is None else [FLAG, flagged, *rest]


def wanted(environment: Mapping[str, str]) -> Language:
    """The first language that the environment asks for and that is spoken here; English where there is none.

    As GNU gettext reads it: the locale is the first that is set of LC_ALL, LC_MESSAGES and LANG; a list in LANGUAGE goes before
    it, but not before the locale C (https://www.gnu.org/software/gettext/manual/html_node/The-LANGUAGE-variable.html).
    """
    locale = next(filter(None, map(environment.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "C")
    if locale in ("C", "POSIX") or not _in_unicode(locale):
        return Language.ENGLISH
    for name in (*environment.get("LANGUAGE", "").split(":"), locale):
        language = name.replace("-", "_").partition("_")[0].partition(".")[0].lower()
        if language in list(Language):
            return Language(language)
    return Language.ENGLISH


def _in_unicode(locale: str) -> bool:
    """A locale may name its encoding; one that is not installed here can't be seen in the streams."""
    encoding = locale.partition("@")[0].partition(".")[2]
    return encoding.replace("-", "").lower() in ("", "utf8")


def _flagged(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """What `--lang` says, the last one where there are several, and the other arguments."""
    said, rest, reading = None, [], iter(arguments)
    for argument in reading:
        if argument == "--":
            rest += [argument, *reading]
        elif argument == FLAG:
            said = next(reading, "")
        elif argument.startswith(f"{FLAG}="):
            said = argument.removeprefix(f"{FLAG}=")
        else:
            rest.append(argument)
    return said, rest
