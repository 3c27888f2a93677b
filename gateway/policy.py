"""How often somebody may call, as a key or the settings say it."""

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where calls are counted. Without a `policy` of its own the default of the `kind` holds."""

    id: str
    kind: KeyKind
    policy: Policy | None = None
