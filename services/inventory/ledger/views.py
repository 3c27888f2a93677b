"""How stock is shown."""

from services.inventory.ledger.models import StockLevel
from services.inventory.ledger.rules import Level
from services.inventory.ledger.schemas import StockView

_SAME = set(StockView.model_fields) - {"reserved"}


def stock_view(level: Level | StockLevel) -> StockView:
    """A level in memory, or a row of the table."""
    return StockView(**{name: getattr(level, name) for name in _SAME}, reserved=level.held + level.committed)
