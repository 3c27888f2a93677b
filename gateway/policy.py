"""How often somebody may call, as a key or the settings say it."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from shared.web.identity import KeyKind

Period = Literal["day", "month"]


@dataclass(frozen=True, slots=True)
class Policy:
    """`quota` requests per `window` seconds, evenly or `burst` of them at once. `name` appears in the RateLimit headers.

    With a `period` it is a quota of the merchant's calendar day or month instead: nothing comes back before that ends.
    """

    name: str
    quota: int
    window: float
    burst: int | None = None
    period: Period | None = None
    spacing: float = field(init=False)
    """What one request costs: seconds, or 1 of a period's quota."""
    depth: float = field(init=False)
    """How much of it a bucket holds."""

    def __post_init__(self) -> None:
        spacing = 1.0 if self.period else self.window / self.quota
        depth = float(self.quota) if self.period else self.window if self.burst is None else self.burst * spacing
        object.__setattr__(self, "spacing", spacing)
        object.__setattr__(self, "depth", depth)

    def share(self, replicas: int) -> "Policy":
        """What one of so many replicas allows when they can't count together: all of them no more than this policy.

        The quota of a period is not divided: it is counted in the database that they have in common.
        """
        return self if replicas <= 1 or self.period else _share(self, replicas)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where calls are counted. Without a `policy` of its own the default of the `kind` holds.

    `route`: only calls that it names count (`gateway.route_names`). `per_address`: each address has its own.
    """

    id: str
    kind: KeyKind
    policy: Policy | None = None
    route: str | None = None
    per_address: bool = False


@lru_cache(maxsize=4096)
def _share(policy: Policy, replicas: int) -> Policy:
    quota = max(1, policy.quota // replicas)
    burst = None if policy.burst is None else max(1, policy.burst // replicas)
    return Policy(policy.name, quota, quota * policy.spacing * replicas, burst)
