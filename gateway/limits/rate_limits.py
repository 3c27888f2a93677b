"""Which limits a request meets: its key's, its address's, and the one on failures."""

from collections.abc import Sequence

from gateway.limits.rules import Decision, headers
from gateway.limits.store import Limiter, MemoryLimiter
from gateway.metrics import LIMITED
from gateway.policy import Bucket, Policy
from gateway.settings import GatewaySettings
from shared.web import Caller, TooManyRequests, bucket_of

HeaderPairs = list[tuple[bytes, bytes]]


def limited(policy: Policy, decision: Decision) -> TooManyRequests:
    """The 429 of a refused request."""
    LIMITED.labels(policy.name).inc()
    fields = {name.decode(): value.decode() for name, value in headers(policy, decision)}
    detail = f"Too many requests: at most {policy.quota} in {policy.window:g} seconds. Wait {fields['retry-after']} s."
    problem = TooManyRequests("rate_limited", detail, headers=fields)
    problem.members["violated-policies"] = [policy.name]
    return problem


class RateLimits:
    """Counts requests. A key has a bucket, which stays when it is rotated, and counts in its makers' as well."""

    def __init__(self, settings: GatewaySettings, limiter: Limiter, failures: MemoryLimiter) -> None:
        self._limiter = limiter
        self._failures = failures
        per_minute = {
            "secret": settings.requests_per_minute_secret,
            "restricted": settings.requests_per_minute_restricted,
            "partner": settings.requests_per_minute_restricted,
            "publishable": settings.requests_per_minute_publishable,
        }
        self._by_kind = {kind: Policy("key", quota, 60) for kind, quota in per_minute.items()}
        self._address = Policy("address", settings.requests_per_minute_address, 60)
        # Partners read this name in the RateLimit headers; it is that of the path, /v1/hooks.
        self._webhooks_in = Policy("hooks", settings.requests_per_minute_webhooks_in, 60)
        self._failure = Policy("failures", settings.failures_per_minute, 60)

    async def count(self, caller: Caller, buckets: Sequence[Bucket], address: str) -> HeaderPairs:
        """Count one request of a key in each of its `buckets`.

        Answers the RateLimit headers of the one that has least left. Raises TooManyRequests.
        """
        if caller.kind == "publishable":
            decision = await self._limiter.hit("a:" + bucket_of(address), self._address)
            if not decision.allowed:
                raise limited(self._address, decision)
        counted = []
        for bucket in buckets:
            policy = bucket.policy or self._by_kind[bucket.kind]
            if isinstance(self._limiter, MemoryLimiter):
                decision = self._limiter.hit_now(bucket.id, policy)
            else:
                decision = await self._limiter.hit(bucket.id, policy)
            if not decision.allowed:
                raise limited(policy, decision)
            counted.append((policy, decision))
        return headers(*min(counted, key=lambda one: one[1].remaining))

    async def count_webhook_in(self, address: str) -> HeaderPairs:
        """Count one delivery to a webhook source, whoever sends it; answers the RateLimit headers. Raises TooManyRequests."""
        decision = await self._limiter.hit("h:" + bucket_of(address), self._webhooks_in)
        if not decision.allowed:
            raise limited(self._webhooks_in, decision)
        return headers(self._webhooks_in, decision)

    def check_failures(self, address: str) -> None:
        """Raises TooManyRequests for an address with too many failures; asked before a look-up costs anything."""
        refusal = self._failures.exhausted(bucket_of(address), self._failure)
        if refusal is not None:
            raise limited(self._failure, refusal)

    def count_failure(self, address: str) -> None:
        """Count a refused credential or signature, or an unknown path. Raises TooManyRequests when it is one too many."""
        decision = self._failures.hit_now(bucket_of(address), self._failure)
        if not decision.allowed:
            raise limited(self._failure, decision)
