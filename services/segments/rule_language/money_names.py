"""Property names that hold amounts of money, after Segment's e-commerce vocabulary."""

MONEY_PROPERTIES = frozenset(
    {
        "amount",
        "cart_total",
        "cost",
        "discount",
        "list_price",
        "order_total",
        "price",
        "refund",
        "revenue",
        "shipping",
        "subtotal",
        "tax",
        "total",
        "unit_price",
        "value",
    }
)
