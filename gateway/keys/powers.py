"""What a key may hand on: never more than it holds. Pure."""

from gateway.keys.models import ApiKey
from gateway.keys.rules import PUBLISHABLE_SCOPES, TRACKING_SCOPE, outside, uncovered
from gateway.keys.schemas import KeyIn
from shared.web import Caller, Forbidden, invalid


def scopes_of(wanted: KeyIn) -> list[str]:
    """The scopes of a new key. Raises Unprocessable where a kind takes others."""
    if wanted.kind == "publishable":
        scopes = wanted.scopes or [TRACKING_SCOPE]
        if not PUBLISHABLE_SCOPES.issuperset(scopes):
            allowed = ", ".join(sorted(PUBLISHABLE_SCOPES))
            raise invalid("#/scopes", "too_much_for_publishable", f"A publishable key may only have: {allowed}.")
        return scopes
    if wanted.scopes:
        return wanted.scopes
    if wanted.kind == "secret":
        return ["*"]
    raise invalid("#/scopes", "missing", f"A {wanted.kind} key needs the list of its scopes.")


def must_cover(caller: Caller, scopes: list[str]) -> None:
    """Raise Forbidden for scopes that the caller does not hold."""
    missing = uncovered(caller.scopes, scopes)
    if missing:
        detail = f"Your key does not hold {', '.join(missing[:5])} itself, so it can't manage a key that does."
        raise Forbidden("scope_exceeds_own", detail, scopes=missing[:20])


def must_fit_shop(caller: Caller, shop_id: str | None) -> None:
    """Raise Forbidden for a key of another shop than the caller's."""
    if caller.shop_id is not None and shop_id != caller.shop_id:
        raise Forbidden("shop_not_allowed", "Your key works for one shop; it manages keys of that shop only.")


def must_lie_within(maker: ApiKey, wanted: KeyIn) -> None:
    """Raise Forbidden for a key that would work longer, or from elsewhere, than the one that makes it."""
    beyond = outside(maker.allowed_ips, wanted.allowed_ips)
    if beyond:
        detail = f"Your key does not work from {', '.join(beyond[:5])} itself, so it can't make a key that does."
        raise Forbidden("addresses_exceed_own", detail, allowed_ips=beyond[:20])
    end = maker.expires_at
    if end is not None and wanted.expires_at is not None and wanted.expires_at > end:
        raise Forbidden(
            "outlives_its_maker", "A key can't live longer than the one that makes it: give an earlier expires_at."
        )
