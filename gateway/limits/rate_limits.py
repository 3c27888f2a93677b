"""Which limits a request meets: its key's, its customer's, its address's, and those of requests without a valid key."""

from collections.abc import Sequence

from gateway.limits.rules import Decision, headers, tightest
from gateway.limits.store import Hit, Limiter, MemoryLimiter
from gateway.metrics import LIMITED
from gateway.policy import Bucket, Policy
from gateway.settings import GatewaySettings
from shared.web import Caller, TooManyRequests, bucket_of

HeaderPairs = list[tuple[bytes, bytes]]

_WARNING = Policy("warning", 1, 60)
_COUNTED = {"failures": "refused keys and signatures from this address"}


def limited(decisions: Sequence[Decision]) -> TooManyRequests:
    """The 429 of a refused request; the decisions come as `tightest` orders them."""
    violated = [one.policy.name for one in decisions if not one.allowed]
    for name in violated:
        LIMITED.labels(name).inc()
    fields = {name.decode(): value.decode() for name, value in headers(decisions)}
    policy = decisions[0].policy
    counted = _COUNTED.get(policy.name, "requests")
    span = f"a {policy.period}" if policy.period else f"in {policy.window:g} seconds"
    burst = "" if policy.burst is None else f", {policy.burst} at once"
    detail = f"Too many {counted}: at most {policy.quota} {span}{burst}. Wait {fields['retry-after']} s."
    problem = TooManyRequests("rate_limited", detail, headers=fields)
    problem.members["violated-policies"] = violated
    return problem


def _told(decisions: Sequence[Decision]) -> HeaderPairs:
    """The RateLimit headers. Raises TooManyRequests where one of the decisions refuses."""
    ordered = tightest(decisions)
    if ordered and not ordered[0].allowed:
        raise limited(ordered)
    return headers(ordered)


class RateLimits:
    """Counts requests: those of a valid key by its buckets, all others by address.

    A key has a bucket, which stays when it is rotated, and counts in its makers' as well.

    What is counted of strangers never refuses a request with a valid key. It is counted in this process even where Redis
    counts the rest, and apart from the keys' buckets, so that many addresses can't push those out of memory.
    """

    def __init__(self, settings: GatewaySettings, limiter: Limiter, strangers: MemoryLimiter) -> None:
        self._limiter = limiter
        self._strangers = strangers
        per_minute = {
            "secret": settings.requests_per_minute_secret,
            "restricted": settings.requests_per_minute_restricted,
            "partner": settings.requests_per_minute_restricted,
            "publishable": settings.requests_per_minute_publishable,
            "staff": settings.requests_per_minute_restricted,
        }
        self._by_kind = {kind: Policy("key", quota, 60) for kind, quota in per_minute.items()}
        self._customer = Policy("customer", settings.requests_per_minute_customer, 60)
        self._address = Policy("address", settings.requests_per_minute_address, 60)
        # Partners read this name in the RateLimit headers; it is that of the path, /v1/hooks.
        self._webhooks_in = Policy("hooks", settings.requests_per_minute_webhooks_in, 60)
        self._anonymous = Policy("anonymous", settings.requests_per_minute_anonymous, 60)
        self._failure = Policy("failures", settings.failures_per_minute, 60)

    async def count(self, caller: Caller, buckets: Sequence[Bucket], address: str) -> HeaderPairs:
        """Count one request of a key in each of its `buckets`, or in none when one of them refuses it.

        Answers the RateLimit headers of all policies, the one that has least left first. Raises TooManyRequests.
        """
        hits = self._hits(caller, buckets, address)
        if isinstance(self._limiter, MemoryLimiter):
            return _told(self._limiter.hit_now(hits))
        return _told(await self._limiter.hit(hits))

    async def charge(self, caller: Caller, buckets: Sequence[Bucket], address: str, cost: int) -> HeaderPairs:
        """Count that a request, let through already, costs `cost` more. Answers the RateLimit headers as `count` does."""
        return _told(await self._limiter.charge(self._hits(caller, buckets, address), cost))

    def _hits(self, caller: Caller, buckets: Sequence[Bucket], address: str) -> list[Hit]:
        hits = []
        for one in buckets:
            policy = one.policy or self._by_kind[one.kind]
            if one.per_address:
                hits.append(Hit(f"{one.id}:{bucket_of(address)}", policy, crowd=True))
            else:
                hits.append(Hit(one.id, policy))
        if caller.customer_id is not None:
            hits.append(Hit(f"c:{caller.owner_id}:{caller.customer_id}", self._customer, crowd=True))
        if caller.kind == "publishable":
            hits.append(Hit("a:" + bucket_of(address), self._address, crowd=True))
        return hits

    async def count_webhook_in(self, address: str) -> HeaderPairs:
        """Count one delivery to a webhook source, whoever sends it; answers the RateLimit headers. Raises TooManyRequests."""
        return _told(await self._limiter.hit([Hit("h:" + bucket_of(address), self._webhooks_in, crowd=True)]))

    def count_anonymous(self, address: str) -> None:
        """Count one request without a valid key. Raises TooManyRequests."""
        _told(self._strangers.hit_now([Hit("a:" + bucket_of(address), self._anonymous)]))

    def charge_anonymous(self, address: str, cost: int) -> None:
        """Count that a request without a valid key, let through already, cost `cost` more."""
        self._strangers.charge_now([Hit("a:" + bucket_of(address), self._anonymous)], cost)

    def count_failure(self, address: str) -> None:
        """Count a refused credential or signature. Raises TooManyRequests when it is one too many."""
        _told(self._strangers.hit_now([Hit("f:" + bucket_of(address), self._failure)]))

    def may_warn(self, address: str) -> bool:
        """True once a minute for each address: what it does wrong is worth one line in the log, not thousands."""
        return self._strangers.hit_now([Hit("w:" + bucket_of(address), _WARNING)])[0].allowed
