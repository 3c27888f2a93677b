"""The pages about coupons: written by hand, with blocks that are made from the code.

A block stands between `<!-- made: NAME -->` and `<!-- /made -->`. `make docs` fills it again; a test holds it to that.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import services.coupon.app  # noqa: F401 - registers every table
from gateway.routes import COUPON
from services.coupon.audit.checks import CHECKS
from services.coupon.base import Base
from shared.contracts import REGISTRY
from suite.handbook.coupon.lifecycle import RUNNING
from suite.handbook.coupon.markdown import Language, example
from suite.handbook.coupon.refusals import fields_table, problems_table, reasons_table
from suite.handbook.coupon.states import states_table

MARKETERS: Mapping[str, Language] = {"coupons-for-marketers.md": "en", "coupons-for-marketers.zh-CN.md": "zh"}
ENGINEERS = "coupons-for-engineers.md"
_BLOCK = re.compile(r"(?<=<!-- made: )([\w ]+)( -->\n).*?(?=<!-- /made -->)", re.DOTALL)

_TEMPLATE = "/v1/coupon-templates/{template_id}"
USE_CASES: Mapping[str, tuple[str, ...]] = {
    "Offers 券模板与促销": ("/v1/coupon-templates", "/v1/promotions"),
    "Giving coupons out 发券": (
        "/v1/claim-centre",
        f"{_TEMPLATE}/claims",
        f"{_TEMPLATE}/issues",
        "/v1/coupon-jobs",
        "/v1/coupon-packs",
    ),
    "Codes 兑换码": (f"{_TEMPLATE}/codes", "/v1/code-batches", "/v1/public-codes", "/v1/codes"),
    "Sharing 分享得券": ("/v1/share-offers", "/v1/shares"),
    "Scanning 扫码领券": ("/v1/claim-codes",),
    "Lucky draws 抽奖": ("/v1/draws",),
    "A wallet 卡包": ("/v1/coupons",),
    "A price 试算": ("/v1/quotes",),
    "An order 下单": ("/v1/checkouts", "/v1/order-messages"),
    "Refunds 退款": ("/v1/checkouts/{checkout_id}/refunds", "/v1/refunds"),
    "Cash-back 返现": ("/v1/checkouts/{checkout_id}/complete", "/v1/cash-back"),
    "A till 门店核销": (
        "/v1/redemption-tokens",
        "/v1/redemption-keys",
        "/v1/redemptions",
        "/v1/redemption-conflicts",
    ),
    "Abuse 风控": ("/v1/abuse",),
    "Proof 对账": ("/v1/audit",),
}
"""Which paths belong together, by their beginnings; the longest that fits decides."""


def filled(page: Path, make: Callable[[str], str]) -> str:
    """The page as it is, with `make(name)` in each of its blocks."""
    return _BLOCK.sub(lambda block: f"{block[1]}{block[2]}\n{make(block[1])}\n", page.read_text(encoding="utf-8"))


def made_blocks(page: Path) -> list[str]:
    """The names of the page's blocks, in order."""
    return [block[1] for block in _BLOCK.finditer(page.read_text(encoding="utf-8"))]


def pages(docs: Path, summaries: Callable[[], Mapping[tuple[str, str], str]]) -> dict[str, Callable[[], str]]:
    """What makes each page of `docs`. `summaries` tells what each operation does, by method and path."""
    found: dict[str, Callable[[], str]] = {
        name: partial(filled, docs / name, partial(_for_marketers, language)) for name, language in MARKETERS.items()
    }
    blocks: dict[str, Callable[[], str]] = {
        "states": lambda: states_table(Base.metadata),
        "checks": lambda: "".join(f"- `{check.name}`: {check.claim}\n" for check in CHECKS),
        "reasons": reasons_table,
        "problems": problems_table,
        "fields": fields_table,
        "endpoints": lambda: "\n".join(_endpoints(summaries())) + "\n",
        "events": lambda: "\n".join(_events()) + "\n",
    }
    return found | {ENGINEERS: lambda: filled(docs / ENGINEERS, lambda name: blocks[name]())}


def _for_marketers(language: Language, name: str) -> str:
    return "\n".join(RUNNING[name](language)) + "\n" if name in RUNNING else example(name, language)


def _endpoints(summaries: Mapping[tuple[str, str], str]) -> Iterator[str]:
    chosen = {route: _use_case(route.template) for route in COUPON}
    for title in USE_CASES:
        yield f"**{title}**\n\n| operation | scope | what it does |\n|---|---|---|"
        for route, use_case in chosen.items():
            if use_case == title:
                what = summaries.get((route.method, route.template), "")
                yield f"| `{route.method} {route.template}` | `{route.scope}` | {what} |"
        yield ""


def _use_case(path: str) -> str:
    """Raises ValueError for a path that belongs nowhere yet."""
    fitting = {
        start: title for title, starts in USE_CASES.items() for start in starts if (path + "/").startswith(start + "/")
    }
    if not fitting:
        raise ValueError(f"say in {__name__}.USE_CASES where {path} belongs")
    return fitting[max(fitting, key=len)]


def _events() -> Iterator[str]:
    yield "| event | what happened | |\n|---|---|---|"
    for name, event in sorted(REGISTRY.items()):
        if event.owner == "coupon" or name.startswith("order."):
            told = " ".join((event.__doc__ or "").split()).replace("|", "&#124;")
            mark = "in" if event.owner != "coupon" else "out, a webhook type" if event.public else "out"
            yield f"| `{name}` | {told} | {mark} |"
