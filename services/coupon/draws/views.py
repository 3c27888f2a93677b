"""How stored draws become answers."""

from collections.abc import Sequence

from services.coupon.draws.models import Draw, DrawPrize
from services.coupon.draws.schemas import DrawView, PrizeView, TicketLimits, Window
from shared.db import as_dict


def draw_view(row: Draw, prizes: Sequence[DrawPrize]) -> DrawView:
    """A draw with its prizes; its seed once it is closed."""
    names = {prize.place: prize.name for prize in prizes}
    shown = [
        PrizeView(**{**as_dict(prize), "fallback": None if prize.fallback is None else names[prize.fallback]})
        for prize in prizes
    ]
    return DrawView(
        **{**as_dict(row), "seed": row.seed if row.status == "closed" else None},
        window=Window(from_=row.starts_at, until=row.ends_at),
        prizes=shown,
        limits=TicketLimits(per_customer=row.per_customer, per_day=row.per_day),
    )
