"""Rendering: Liquid with limits on loops, output, variables and depth. Pure.

A template language that customers' data goes through must not be able to run for long or grow without bounds.
Whoever needs this imports it then: Liquid is a hundred modules.
"""

from collections.abc import Mapping
from functools import lru_cache

from liquid import BoundTemplate, DictLoader, Environment, Mode
from liquid.exceptions import FilterArgumentError, FilterValueError, LiquidError, LiquidTypeError, LiquidValueError

from services.journey.run import RenderFailed
from services.journey.templates.rules import LONGEST_OUTPUT, TemplateInvalid
from shared.money import format_money, known_currency


class _Limited(Environment):
    block_nesting_limit = 10
    context_depth_limit = 15
    loop_iteration_limit = 2_000
    local_namespace_limit = 50_000
    output_stream_limit = LONGEST_OUTPUT


def _replace(value: object, seq: object, sub: object = "") -> str:
    """The one built-in filter whose result can be as long as the product of its inputs."""
    text, old, new = str(value or ""), str(seq or ""), str(sub or "")
    if len(text) + text.count(old) * len(new) > LONGEST_OUTPUT:
        raise FilterValueError(f"replace would make more than {LONGEST_OUTPUT} characters", token=None)
    return text.replace(old, new)


def _money(value: object, currency: object = "CNY") -> str:
    """`{{ event.total | money: event.currency }}`: minor units as people read them, with the currency's own digits."""
    if str(value or "") == "" and value != 0:
        return ""  # nothing is there: no two customers have the same traits
    if isinstance(value, bool) or not isinstance(value, int):
        raise FilterArgumentError("money takes an amount in minor units, a whole number", token=None)
    try:
        return format_money(value, known_currency(str(currency or "") or "CNY"))
    except ValueError as error:
        raise FilterArgumentError(f"money's currency {error}", token=None) from None


# Strict about syntax and filters; a trait that a customer lacks renders as nothing, since no two customers have the same.
_ENVIRONMENT = _Limited(tolerance=Mode.STRICT, strict_filters=True, loader=DictLoader({}))


_ENVIRONMENT.add_filter("replace", _replace)
_ENVIRONMENT.add_filter("money", _money)


def check(source: str) -> None:
    """Raises TemplateInvalid for what could never be rendered: syntax, unknown tags and filters, foreign templates."""
    try:
        _parse(source)
        _ENVIRONMENT.from_string(source).render()
    except LiquidError as error:
        if _is_about_data(error):
            return
        raise TemplateInvalid(_sentence(error)) from error
    except RecursionError as error:
        raise TemplateInvalid("it is nested too deeply") from error


def render(source: str, context: Mapping[str, object]) -> str:
    """The text for one customer. Raises RenderFailed."""
    try:
        return str(_parse(source).render(**context))
    except (LiquidError, RecursionError, ArithmeticError, TypeError, ValueError) as error:
        raise RenderFailed(_sentence(error)) from error


def _is_about_data(error: LiquidError) -> bool:
    """Without data a filter may be given nothing to work on; that is no fault of the source."""

    return isinstance(error, FilterArgumentError | FilterValueError | LiquidTypeError | LiquidValueError)


@lru_cache(maxsize=1024)
def _parse(source: str) -> BoundTemplate:
    return _ENVIRONMENT.from_string(source)


def _sentence(error: Exception) -> str:
    """What went wrong and in which line; never the data it went wrong with."""
    text = str(error).split("\n", 1)[0][:200] or type(error).__name__
    place = error.context() if isinstance(error, LiquidError) else None
    return f"line {place[0]}: {text}" if place else text
