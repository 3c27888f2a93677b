"""How often somebody may call, as a key or the settings say it."""

from dataclasses import dataclass


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
