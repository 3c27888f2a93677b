"""Money is an integer in the currency's minor unit (分 for CNY), with its currency beside it; rates are basis points."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from typing import Annotated

from pydantic import StringConstraints

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""An ISO 4217 code."""

# ISO 4217 minor units that are not two.
_NO_DIGITS = ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF"]
_THREE_DIGITS = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]
_EXPONENTS = {**dict.fromkeys([*_NO_DIGITS, "XOF", "XPF"], 0), **dict.fromkeys(_THREE_DIGITS, 3)}
_SYMBOLS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "JP¥", "HKD": "HK$"}


def exponent(currency: str) -> int:
    """How many decimal digits the currency's minor unit has (2 for CNY, 0 for JPY)."""
    return _EXPONENTS.get(currency, 2)


def round_half_up(value: Decimal | Fraction) -> int:
    """The one rounding function: to the nearest integer, halves away from zero."""
    if isinstance(value, Decimal):
        return int(value.to_integral_value(ROUND_HALF_UP))
    magnitude = (2 * abs(value.numerator) + value.denominator) // (2 * value.denominator)
    return magnitude if value >= 0 else -magnitude


def percent_of(amount: int, basis_points: int) -> int:
    """`basis_points` / 10,000 of `amount`, rounded half up (2000 = 20 %)."""
    return round_half_up(Fraction(amount * basis_points, 10_000))


def to_minor(value: Decimal | str | int | float, currency: str) -> int:
    """A decimal amount in major units, as SDKs and shop files write it, in minor units.

    Floats are read by their shortest decimal text, so 19.99 is 1999. Raises ValueError for what is no finite number.
    """
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(f"not an amount of money: {value!r}") from None
    if not amount.is_finite() or abs(amount) >= Decimal(10) ** 15:
        raise ValueError(f"not an amount of money: {value!r}")
    return round_half_up(amount.scaleb(exponent(currency)))


def format_money(minor: int, currency: str = "CNY") -> str:
    """For people: `¥300.00`, `-¥0.05`, `CHF 12.00`."""
    digits = exponent(currency)
    text = f"{Decimal(abs(minor)).scaleb(-digits):,.{digits}f}"
    symbol = _SYMBOLS.get(currency, f"{currency} ")
    return f"{'-' if minor < 0 else ''}{symbol}{text}"
