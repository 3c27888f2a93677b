"""How often somebody may call, as a key or the settings say it."""

from dataclasses import dataclass
from functools import lru_cache

from shared.web.identity import KeyKind


@dataclass(frozen=True, slots=True)
class Policy:
    """`quota` requests per `window` seconds, all at once or evenly. `name` appears in the RateLimit headers."""

    name: str
    quota: int
    window: float

    @property
    def spacing(self) -> float:
        """Seconds that one request costs."""
        return self.window / self.quota

    def share(self, replicas: int) -> "Policy":
        """What one of so many replicas allows when they can't count together: all of them no more than this policy."""
        return self if replicas <= 1 else _share(self, replicas)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where calls are counted. Without a `policy` of its own the default of the `kind` holds."""

    id: str
    kind: KeyKind
    policy: Policy | None = None


@lru_cache(maxsize=4096)
def _share(policy: Policy, replicas: int) -> Policy:
    quota = max(1, policy.quota // replicas)
    return Policy(policy.name, quota, quota * policy.spacing * replicas)
