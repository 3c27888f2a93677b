"""What a refund leaves of a promise. Pure."""


def left_after(promised: int, amount: int, price: int, kept_price: int, repriced: int | None) -> int:
    """What is left of `promised` (of which `amount` was left before) when goods for `kept_price` of `price` are kept.

    It falls in the proportion of the goods' price, rounded down. `repriced` is what the offer would promise for the kept goods
    alone (policy clawback); None where that was not asked. It never grows again.
    """
    left = promised * kept_price // price if price else 0
    return min(amount, left, left if repriced is None else repriced)
