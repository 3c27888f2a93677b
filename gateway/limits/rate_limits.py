"""Which limits a request meets: its key's, its address's, and those of requests without a valid key."""

from collections.abc import Sequence

from gateway.limits.rules import Decision, headers
from gateway.limits.store import Limiter, MemoryLimiter
from gateway.metrics import LIMITED
from gateway.policy import Bucket, Policy
from gateway.settings import GatewaySettings
from shared.web import Caller, TooManyRequests, bucket_of

HeaderPairs = list[tuple[bytes, bytes]]

_WARNING = Policy("warning", 1, 60)
_COUNTED = {"failures": "refused keys and signatures from this address"}


def limited(decision: Decision) -> TooManyRequests:
    """The 429 of a refused request."""
    policy = decision.policy
    LIMITED.labels(policy.name).inc()
    fields = {name.decode(): value.decode() for name, value in headers(decision)}
    counted = _COUNTED.get(policy.name, "requests")
    detail = f"Too many {counted}: at most {policy.quota} in {policy.window:g} seconds. Wait {fields['retry-after']} s."
    problem = TooManyRequests("rate_limited", detail, headers=fields)
    problem.members["violated-policies"] = [policy.name]
    return problem


class RateLimits:
    """Counts requests: those of a valid key by its buckets, all others by address.

    A key has a bucket, which stays when it is rotated, and counts in its makers' as well.

    What is counted of strangers never refuses a request with a valid key. It is counted in this process even where Redis
    counts the rest, and apart from the keys' buckets, so that many addresses can't push those out of memory.
    """

    def __init__(self, settings: GatewaySettings, keys: Limiter, addresses: Limiter, strangers: MemoryLimiter) -> None:
        self._keys = keys
        self._addresses = addresses
        self._strangers = strangers
        per_minute = {
            "secret": settings.requests_per_minute_secret,
            "restricted": settings.requests_per_minute_restricted,
            "partner": settings.requests_per_minute_restricted,
            "publishable": settings.requests_per_minute_publishable,
            "staff": settings.requests_per_minute_restricted,
        }
        self._by_kind = {kind: Policy("key", quota, 60) for kind, quota in per_minute.items()}
        self._address = Policy("address", settings.requests_per_minute_address, 60)
        # Partners read this name in the RateLimit headers; it is that of the path, /v1/hooks.
        self._webhooks_in = Policy("hooks", settings.requests_per_minute_webhooks_in, 60)
        self._anonymous = Policy("anonymous", settings.requests_per_minute_anonymous, 60)
        self._failure = Policy("failures", settings.failures_per_minute, 60)

    async def count(self, caller: Caller, buckets: Sequence[Bucket], address: str) -> HeaderPairs:
        """Count one request of a key in each of its `buckets`.

        Answers the RateLimit headers of the one that has least left. Raises TooManyRequests.
        """
        if caller.kind == "publishable":
            decision = await self._addresses.hit("a:" + bucket_of(address), self._address)
            if not decision.allowed:
                raise limited(decision)
        least: Decision | None = None
        for bucket in buckets:
            policy = bucket.policy or self._by_kind[bucket.kind]
            if isinstance(self._keys, MemoryLimiter):
                decision = self._keys.hit_now(bucket.id, policy)
            else:
                decision = await self._keys.hit(bucket.id, policy)
            if not decision.allowed:
                raise limited(decision)
            if least is None or decision.remaining < least.remaining:
                least = decision
        return headers(least) if least else []

    async def charge(self, caller: Caller, buckets: Sequence[Bucket], address: str, cost: int) -> HeaderPairs:
        """Count that a request, let through already, costs `cost` more. Answers the RateLimit headers as `count` does."""
        if caller.kind == "publishable":
            await self._addresses.charge("a:" + bucket_of(address), self._address, cost)
        charged = [await self._keys.charge(one.id, one.policy or self._by_kind[one.kind], cost) for one in buckets]
        return headers(min(charged, key=lambda decision: decision.remaining))

    async def count_webhook_in(self, address: str) -> HeaderPairs:
        """Count one delivery to a webhook source, whoever sends it; answers the RateLimit headers. Raises TooManyRequests."""
        decision = await self._addresses.hit("h:" + bucket_of(address), self._webhooks_in)
        if not decision.allowed:
            raise limited(decision)
        return headers(decision)

    def count_anonymous(self, address: str) -> None:
        """Count one request without a valid key. Raises TooManyRequests."""
        decision = self._strangers.hit_now("a:" + bucket_of(address), self._anonymous)
        if not decision.allowed:
            raise limited(decision)

    def charge_anonymous(self, address: str, cost: int) -> None:
        """Count that a request without a valid key, let through already, cost `cost` more."""
        self._strangers.charge_now("a:" + bucket_of(address), self._anonymous, cost)

    def count_failure(self, address: str) -> None:
        """Count a refused credential or signature. Raises TooManyRequests when it is one too many."""
        decision = self._strangers.hit_now("f:" + bucket_of(address), self._failure)
        if not decision.allowed:
            raise limited(decision)

    def may_warn(self, address: str) -> bool:
        """True once a minute for each address: what it does wrong is worth one line in the log, not thousands."""
        return self._strangers.hit_now("w:" + bucket_of(address), _WARNING).allowed
