"""Sharing an amount out exactly 分摊: the largest remainder method, with and without caps. Pure."""

from collections.abc import Sequence
from fractions import Fraction

Weight = int | Fraction


def apportion(weights: Sequence[Weight], amount: int) -> list[int]:
    """Shares of `amount` (minor units, any sign) in proportion to `weights` (none negative); they sum to `amount` exactly.

    Each gets its share rounded down, and the units that are left go to the largest remainders, ties to the first.
    All weights zero means equal weights. Raises ValueError when there is nobody to share to.
    """
    if not weights:
        raise ValueError("nobody to share to")
    if amount < 0:
        return [-share for share in apportion(weights, -amount)]
    total = sum(weights)
    if total == 0:
        weights, total = [1] * len(weights), len(weights)
    exact = [amount * weight for weight in weights]
    shares = [int(part // total) for part in exact]
    by_remainder = sorted(range(len(weights)), key=lambda index: (-(exact[index] % total), index))
    for index in by_remainder[: amount - sum(shares)]:
        shares[index] += 1
    return shares


def cut(shares: Sequence[int], caps: Sequence[int]) -> list[int]:
    """Each share, but no more than its cap: what is over is dropped."""
    return [min(share, cap) for share, cap in zip(shares, caps, strict=True)]


def pour(weights: Sequence[Weight], amount: int, caps: Sequence[int]) -> list[int]:
    """Share `amount` out with caps; what a full line cannot take goes to the others until it is placed or all are full."""
    given = [0] * len(weights)
    left = min(amount, sum(caps))
    while left:
        open_lines = [index for index, cap in enumerate(caps) if given[index] < cap]
        shares = apportion([weights[index] for index in open_lines], left)
        for index, share in zip(open_lines, shares, strict=True):
            taken = min(share, caps[index] - given[index])
            given[index] += taken
            left -= taken
    return given


def unit_shares(price: int, quantity: int, shares: Sequence[int]) -> list[list[int]]:
    """What each source (a discount of the line) takes off each unit of a line: one list of units per source.

    A source's units sum up to its share and differ by one at most; all sources together take no more than `price` off a
    unit. Raises ValueError when the shares are more than the line costs.
    """
    if sum(shares) > price * quantity:
        raise ValueError("the shares are more than the line costs")
    # Every source goes on where the one before stopped with its remainder, so that no unit gets two more than another.
    rows, start = [], 0
    for share in shares:
        each, more = divmod(share, quantity)
        rows.append([each + ((unit - start) % quantity < more) for unit in range(quantity)])
        start = (start + more) % quantity
    return rows
