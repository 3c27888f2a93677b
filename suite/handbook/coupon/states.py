"""The states that things of the coupon service can be in: their names from the tables' own checks, their meanings from here."""

import re
from collections.abc import Iterator, Mapping

from sqlalchemy import CheckConstraint, MetaData

_CHECK = re.compile(r"(status|state) IN \((.*)\)")

MEANINGS: Mapping[str, Mapping[str, str]] = {
    "template": {
        "draft": "was never live 草稿; launching it is setting the status to active 上线",
        "active": "coupons are given out, or the promotion 自动促销 runs",
        "paused": "no new coupons, no new orders with the promotion; coupons that were given out keep working 暂停",
        "ended": "as paused, and for good 结束: it stays as it was",
    },
    "coupon": {
        "issued": "in the wallet, usable within its validity 可用",
        "locked": "held by one order's checkout, until paid or given up 已锁定",
        "redeemed": "used 已核销",
        "expired": "its time is over 已过期; the clock says so on every read, the sweeper writes it down",
        "voided": "taken back by an operator or by the abuse rules 已作废",
    },
    "coupon_job": {
        "receiving": "its list of customers is being sent",
        "listing": "the segment's members are being written down",
        "running": "coupons are being given out, chunk by chunk",
        "done": "every customer has a coupon or a reason",
        "cancelled": "stopped; what was given out stays",
    },
    "checkout": {
        "locked": "an order holds its coupons, until `expires_at`",
        "committed": "paid: the coupons are used; refunds start from here",
        "rolled_back": "given up: the coupons are free again",
        "expired": "the lock ran out; the same order may lock again, or commit if all is still free",
    },
    "checkout_coupon": {
        "live": "the lock holds",
        "redeemed": "used by this order",
        "released": "free again without having been used",
        "returned": "used, and given back after a refund",
    },
    "checkout_promotion": {
        "live": "counted for an open order",
        "redeemed": "used by this order",
        "released": "not counted any more",
        "returned": "used, and not counted any more after a refund",
    },
    "coupon_pack": {"active": "may be claimed 新人礼包", "paused": "nobody can claim it now"},
    "cash_back": {
        "promised": "the order is open or paid; the coupon comes once it is completed 返现",
        "due": "the order is completed, and something keeps the coupon back: `note` says what; complete it again",
        "issued": "given as a coupon",
        "cancelled": "the order was given up, or came back",
    },
    "abuse_case": {
        "open": "waits for a person 待审核",
        "cleared": "looked at, and well",
        "voided": "looked at, and the coupons were taken back",
        "denied": "looked at, and the customer is on the deny list",
    },
    "redemption": {
        "redeemed": "the coupon was used at a till 已核销",
        "reversed": "taken back on the same day; the coupon is in its wallet again 已撤销",
    },
    "code_batch": {
        "running": "its codes are being made",
        "done": "all its codes are there, and may be redeemed",
        "voided": "its codes that nobody used are worth nothing",
    },
    "public_code": {"active": "may be redeemed", "paused": "nobody can redeem it now"},
    "share_offer": {
        "active": "may be shared 分享得券, and friends' help counts",
        "paused": "no new shares, no help counts",
    },
    "claim_code": {"active": "may be scanned 扫码领券", "paused": "gives nothing, printed posters included"},
    "draw": {
        "open": "draws tickets within its window; the seed is secret",
        "closed": "no more tickets; the seed is told",
    },
}
"""By table. A state that a table knows and this page does not is an error of `make docs`, and of the tests."""


def states(metadata: MetaData) -> Iterator[tuple[str, str]]:
    """Each table and state that its CHECK constraint names; ledgers, which repeat another table's states, are left out."""
    for name, table in sorted(metadata.tables.items()):
        for check in table.constraints:
            found = _CHECK.fullmatch(str(check.sqltext)) if isinstance(check, CheckConstraint) else None
            for state in re.findall(r"'(\w+)'", found[2]) if found else ():
                yield name, state


def states_table(metadata: MetaData) -> str:
    """Every state with its meaning. Raises KeyError for one that has none here."""
    lines = ["| of | state | meaning |", "|---|---|---|"]
    for name, state in states(metadata):
        lines.append(f"| {name.replace('_', ' ')} | `{state}` | {_meaning(name, state)} |")
    return "\n".join(lines) + "\n"


def _meaning(table: str, state: str) -> str:
    try:
        return MEANINGS[table][state]
    except KeyError:
        raise KeyError(f"say in {__name__} what it means that a {table} is {state}") from None
