"""What only the merchant's operators may ask for."""

from fastapi import Request

from shared.web import Caller, Forbidden
from shared.web.identity import Needs


class OperatorNeeds(Needs):
    """The scope, and no shopper's token, whatever its scopes."""

    def __call__(self, request: Request) -> Caller:
        """The caller. Raises Forbidden for shoppers and for keys without the scope."""
        caller = super().__call__(request)
        refuse_shoppers(caller)
        return caller


def refuse_shoppers(caller: Caller) -> None:
    """Raises Forbidden for shoppers."""
    if caller.customer_id is not None:
        raise Forbidden("operators_only", "This is for the merchant's operators, not for shoppers.")
