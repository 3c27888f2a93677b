"""Which limits a request meets: its key's, its address's, and the one on failures."""

from ipaddress import ip_address, ip_network

from gateway.keys.ring import HeldKey
from gateway.keys.rules import Network, address_allowed
from gateway.limits.rules import Decision, Policy, headers
from gateway.limits.store import Limiter, MemoryLimiter
from gateway.metrics import LIMITED
from gateway.settings import GatewaySettings
from shared.web import TooManyRequests, bucket_of

HeaderPairs = list[tuple[bytes, bytes]]


def limited(policy: Policy, decision: Decision) -> TooManyRequests:
    """The 429 of a refused request."""
    LIMITED.labels(policy.name).inc()
    fields = {name.decode(): value.decode() for name, value in headers(policy, decision)}
    detail = f"Too many requests: at most {policy.quota} in {policy.window:g} seconds. Wait {fields['retry-after']} s."
    problem = TooManyRequests("rate_limited", detail, headers=fields)
    problem.members["violated-policies"] = [policy.name]
    return problem


class Guard:
    """Counts requests. Keys of one owner have a bucket each; a rotated key starts with a fresh one."""

    def __init__(self, settings: GatewaySettings, limiter: Limiter, failures: MemoryLimiter) -> None:
        self._limiter = limiter
        self._failures = failures
        self._proxies: tuple[Network, ...] = tuple(ip_network(one) for one in settings.trusted_proxies)
        per_minute = {
            "secret": settings.requests_per_minute_secret,
            "restricted": settings.requests_per_minute_restricted,
            "partner": settings.requests_per_minute_restricted,
            "publishable": settings.requests_per_minute_publishable,
        }
        self._by_kind = {kind: Policy("key", quota, 60) for kind, quota in per_minute.items()}
        self._address = Policy("address", settings.requests_per_minute_address, 60)
        self._hooks = Policy("hooks", settings.requests_per_minute_hooks, 60)
        self._failure = Policy("failures", settings.failures_per_minute, 60)

    async def count(self, key: HeldKey, address: str) -> HeaderPairs:
        """Count one request of `key`; answers the RateLimit headers. Raises TooManyRequests."""
        if key.caller.kind == "publishable":
            decision = await self._limiter.hit("a:" + bucket_of(address), self._address)
            if not decision.allowed:
                raise limited(self._address, decision)
        policy = key.policy or self._by_kind[key.caller.kind]
        if isinstance(self._limiter, MemoryLimiter):
            decision = self._limiter.hit_now(key.caller.key_id, policy)
        else:
            decision = await self._limiter.hit(key.caller.key_id, policy)
        if not decision.allowed:
            raise limited(policy, decision)
        return headers(policy, decision)

    async def count_hook(self, address: str) -> HeaderPairs:
        """Count one delivery to a webhook source, whoever sends it; answers the RateLimit headers. Raises TooManyRequests."""
        decision = await self._limiter.hit("h:" + bucket_of(address), self._hooks)
        if not decision.allowed:
            raise limited(self._hooks, decision)
        return headers(self._hooks, decision)

    def not_failing(self, address: str) -> None:
        """Raises TooManyRequests for an address with too many failures; asked before a look-up costs anything."""
        refusal = self._failures.exhausted(bucket_of(address), self._failure)
        if refusal is not None:
            raise limited(self._failure, refusal)

    def failed(self, address: str) -> None:
        """Count a refused credential or signature, or an unknown path. Raises TooManyRequests when it is one too many."""
        decision = self._failures.hit_now(bucket_of(address), self._failure)
        if not decision.allowed:
            raise limited(self._failure, decision)

    def address_of(self, peer: str, forwarded_for: list[bytes]) -> str:
        """Who is calling: the connection's peer, or what a trusted proxy says of it (its own entry, the rightmost)."""
        if not self._proxies or not forwarded_for or not address_allowed(peer, self._proxies):
            return peer
        entries = b",".join(forwarded_for).decode("latin-1").split(",")
        for entry in reversed(entries):
            address = entry.strip()
            if not address_allowed(address, self._proxies):
                return address if _is_address(address) else peer
        return peer


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
