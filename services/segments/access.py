"""Who may ask: audiences are the merchant's business, never an end-user's."""

from starlette.requests import Request

from shared.web import Caller, Forbidden
from shared.web.identity import Needs


class MerchantNeeds(Needs):
    """The scope, and no end-user's token: its holder would see who else is in an audience."""

    def __call__(self, request: Request) -> Caller:
        caller = super().__call__(request)
        if caller.customer_id is not None:
            raise Forbidden("merchant_only", "An end-user's token can't be used here; use a key of the merchant's.")
        return caller


def merchant_needs(scope: str) -> MerchantNeeds:
    """As `needs`, for the merchant's own keys only."""
    return MerchantNeeds(scope)
