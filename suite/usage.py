"""What the framework of the command line says: usage, help and wrong arguments, in short sentences of either language.

The framework speaks English, and hands on what its validator says of values; both become our own words here.
"""

import re
from typing import Any

import typer
from rich.columns import Columns
from rich.table import Table
from rich.text import Text
from typer.core import TyperCommand, TyperGroup

from shared.language import Language, say, spoken

_NUMBER = re.compile("Input should be a valid")


class ToldCommand(TyperCommand):
    """A command whose usage and `--help` are told in the language that is spoken."""

    def get_usage(self, ctx: Any) -> str:
        """`Usage: quanyu keys list [OPTIONS]`."""
        return _usage(super().get_usage(ctx))

    def get_help_option(self, ctx: Any) -> Any:
        """`--help`."""
        return _help(super().get_help_option(ctx))


class ToldGroup(TyperGroup):
    """The same of a group of commands."""

    def get_usage(self, ctx: Any) -> str:
        """`Usage: quanyu keys [OPTIONS] COMMAND`."""
        return _usage(super().get_usage(ctx))

    def get_help_option(self, ctx: Any) -> Any:
        """`--help`."""
        return _help(super().get_help_option(ctx))


class _FoldingTable(Table):
    """Breaks a line wherever its column ends."""

    def add_row(self, *cells: Any, **more: Any) -> None:
        super().add_row(*cells, **more)
        for column in self.columns:
            column.overflow = "fold"


class _FoldingColumns(Columns):
    """Texts beside each other, which do the same."""

    def add_renderable(self, renderable: Any) -> None:
        if isinstance(renderable, Text):
            renderable.overflow = "fold"
        super().add_renderable(renderable)

    def __init__(self, renderables: Any = (), **more: Any) -> None:
        super().__init__(**more)
        for one in renderables:
            self.add_renderable(one)


def in_our_words(app: typer.Typer) -> typer.Typer:
    """The same application, all of whose commands are of these classes."""
    app.info.cls = ToldGroup
    for command in app.registered_commands:
        command.cls = ToldCommand
    for group in app.registered_groups:
        if group.typer_instance is not None:
            in_our_words(group.typer_instance)
    if spoken() is Language.CHINESE:
        from typer import rich_utils

        rich_utils.ARGUMENTS_PANEL_TITLE = "参数"
        rich_utils.OPTIONS_PANEL_TITLE = "选项"
        rich_utils.COMMANDS_PANEL_TITLE = "命令"
        rich_utils.REQUIRED_LONG_STRING = "[必填]"
        rich_utils.DEFAULT_STRING = "[默认：{}]"
        # Chinese has no blanks between words, and a cell of theirs cuts off what has none.
        rich_utils.Table = _FoldingTable  # type: ignore[attr-defined]
        rich_utils.Columns = _FoldingColumns  # type: ignore[attr-defined,assignment]
    return app


def wrong_usage(error: typer.TyperException) -> str:
    """What is wrong with the arguments, by the name of the option; empty where only help was wanted, which was shown."""
    told = error.format_message()
    if not told:
        return ""
    sentence = _sentence(told)
    context: Any = getattr(error, "ctx", None)
    if context is None:
        return sentence
    path = context.command_path
    return sentence + say(f" `{path} --help` says more.", f"详见 `{path} --help`。")


def _sentence(told: str) -> str:
    if found := re.match(r"Invalid value for (.+?): (.*)", told, re.DOTALL):
        name, fault = found[1].strip("'"), _fault(found[2])
        return say(f"{name}: {fault}.", f"{name}：{fault}。")
    if found := re.match(r"No such option: (\S+)(?: \(Possible options: (.*)\))?", told):
        name = found[1]
        return say(f"There is no option {name}{_near(found[2])}.", f"没有选项 {name}{_near(found[2])}。")
    if found := re.match(r"No such command (.+?)\.(?: Did you mean (.*)\?)?$", told):
        name = found[1].strip("'")
        return say(f"There is no command {name}{_near(found[2])}.", f"没有命令 {name}{_near(found[2])}。")
    if found := re.match(r"Missing (?:argument|option|parameter) (.+?)\.", told):
        name = found[1].strip("'")
        return say(f"{name} is missing.", f"缺少 {name}。")
    if found := re.match(r"Got unexpected extra argument\S* \((.*)\)", told):
        more = found[1]
        return say(f"There is more than the command takes: {more}.", f"多余的参数：{more}。")
    if found := re.match(r"Option '?(.+?)'? requires", told):
        name = found[1]
        return say(f"{name} needs a value.", f"{name} 需要一个值。")
    return told if told.endswith(".") else f"{told}."


def _fault(told: str) -> str:
    if _NUMBER.search(told):
        return say("a number is wanted", "须为数字")
    if found := re.match(r"(?:Value error, )?'(.*)' is not one of (.*?)\.?$", told, re.DOTALL):
        value, choice = found[1], found[2].replace("'", "")
        return say(f"{value} is none of {choice}", f"{value} 不是其中之一：{choice}")
    return told.removeprefix("Value error, ").rstrip(".")


def _near(names: str | None) -> str:
    near = (names or "").replace("'", "")
    return say(f" (did you mean {near}?)", f"（是否指 {near}？）") if near else ""


def _usage(told: str) -> str:
    return told.replace("Usage:", say("Usage:", "用法："), 1)


def _help(option: Any) -> Any:
    if option is not None:
        option.help = say("Show this and exit.", "显示本说明并退出。")
    return option
