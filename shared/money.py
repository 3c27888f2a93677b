"""Money is an integer in the currency's minor unit (分 for CNY), with its currency beside it; rates are basis points."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

# ISO 4217, list one (current currencies and funds) as of 2026, by the digits of the minor unit that it gives. Unicode's CLDR,
# and whatever is made of it, gives some others (0 for IQD, RSD or AFN): what people usually write, not what amounts are kept in.
# Gold, special drawing rights, test codes and "no currency" (XAU, XDR, XTS, XXX …) have no minor unit and are none of ours.
_BY_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW
    CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF
    IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK
    MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP
    SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG
    YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
# List three, withdrawn since 2014: histories of orders still hold them, new offers and prices don't.
_WITHDRAWN = {0: "BYR", 2: "ANG BGN CUC HRK LTL LVL MRO SLL STD VEF ZWL"}


def _table(by_digits: dict[int, str]) -> dict[str, int]:
    return {code: digits for digits, codes in by_digits.items() for code in codes.split()}


CURRENCIES = _table(_BY_DIGITS)
"""Digits of the minor unit of every currency in use."""
_DIGITS = CURRENCIES | _table(_WITHDRAWN)
_SYMBOLS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "JP¥", "HKD": "HK$"}
_EXPECTED = "must be the ISO 4217 code of a currency, such as CNY"
_OTHERWISE = {
    "RMB": "CNY",
    "CNH": "CNY",
    "YUAN": "CNY",
    "CN¥": "CNY",
    "元": "CNY",
    "人民币": "CNY",
    "NTD": "TWD",
    "NT$": "TWD",
}
_OTHERWISE |= {"HK$": "HKD", "US$": "USD", "STG": "GBP", "YEN": "JPY", "EURO": "EUR", "WON": "KRW"}
"""What people write for a currency, by its code."""


def _in_use(code: str) -> str:
    if code in CURRENCIES:
        return code
    raise ValueError(f"{_EXPECTED}; {code} is no longer in use" if code in _DIGITS else _expected(code))


def _expected(code: str) -> str:
    return f"{_EXPECTED}; {code} is written {_OTHERWISE[code]}" if code in _OTHERWISE else _EXPECTED


def known_currency(code: str) -> str:
    """`code`, when it is that of a currency in use or withdrawn since 2014. Raises ValueError."""
    if code not in _DIGITS:
        raise ValueError(_expected(code))
    return code


_Code = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Currency = Annotated[_Code, AfterValidator(_in_use)]
"""An ISO 4217 code in use."""
PastCurrency = Annotated[_Code, AfterValidator(known_currency)]
"""The currency of something that may have happened years ago."""


def exponent(currency: str) -> int:
    """How many decimal digits the currency's minor unit has (2 for CNY, 0 for JPY, 3 for KWD, 4 for CLF).

    2 for a code that is no longer taken: what was stored with one was stored so.
    """
    return _DIGITS.get(currency, 2)


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
