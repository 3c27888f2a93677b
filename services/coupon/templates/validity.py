"""When a coupon may be used: window, days after the claim, weekdays and hours of the merchant's day. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from shared.web.schemas import Instant
from shared.zones import known_zone, zone

FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
"""The end of a coupon that never ends, so that it can be compared and sorted."""


ZoneName = Annotated[str, StringConstraints(min_length=1, max_length=60), AfterValidator(known_zone)]
ClockTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Hours(BaseModel):
    """A span of each day, `from` included and `until` excluded; one that ends before it starts goes on over midnight.

    The hours after midnight belong to the night, so to the day that it begins on: Friday's 22:00 to 02:00 ends on Saturday.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    from_: Annotated[ClockTime, Field(alias="from", examples=["10:00"])]
    until: Annotated[ClockTime | str, StringConstraints(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.from_ == self.until:
            raise ValueError("hours that start and end at the same minute hold nothing")
        return self

    def began(self, day: date, minute: int) -> date | None:
        """On which day the span began that holds this `minute` (0 to 1439) of `day`; None outside of it."""
        start, end = _minutes(self.from_), _minutes(self.until)
        if start <= minute and (minute < end or end < start):
            return day
        return day - timedelta(days=1) if minute < end < start else None


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


class Usable(BaseModel):
    """`from`/`until` is the window of the offer; `days_after_claim` ends each coupon N days after its claim at the latest.

    `weekdays` are ISO numbers (1 = Monday), `hours` spans of the day; both read in `time_zone` (default: the merchant's).
    With both, the weekday is that on which the span begins.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    from_: Annotated[Instant | None, Field(alias="from")] = None
    until: Instant | None = None
    days_after_claim: Annotated[int, Field(strict=True, ge=1, le=3660)] | None = None
    weekdays: Annotated[tuple[Annotated[int, Field(strict=True, ge=1, le=7)], ...], Field(max_length=7)] = ()
    hours: Annotated[tuple[Hours, ...], Field(max_length=24)] = ()
    time_zone: ZoneName | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_ is not None and self.until is not None and self.until <= self.from_:
            raise ValueError("the window ends before it starts; make `until` later than `from`")
        return self


class Validity(Usable):
    """When coupons may be used, and when their customers are reminded of the end."""

    remind_days_before: Annotated[
        int | None,
        Field(strict=True, ge=0, le=90, description="when to remind of the end; 0: never, null: the shop's setting"),
    ] = None


def window(validity: Validity, claimed_at: datetime) -> tuple[datetime, datetime]:
    """From when until when a coupon claimed at this instant is valid; the end may be FOREVER."""
    start = max(validity.from_ or claimed_at, claimed_at)
    end = validity.until or FOREVER
    if validity.days_after_claim is not None:
        left = timedelta(days=validity.days_after_claim)
        end = min(end, start + left if start < FOREVER - left else FOREVER)
    return start, end


def open_at(validity: Validity, now: datetime, default_zone: str) -> bool:
    """True when the weekday and the hour allow it (the window is the coupon's own, see `window`).

    Both read the wall clock there: an hour that clocks jump over is not, one that comes twice counts twice.
    """
    if not validity.weekdays and not validity.hours:
        return True
    local = now.astimezone(zone(validity.time_zone or default_zone))
    today, minute = local.date(), local.hour * 60 + local.minute
    begun = [span.began(today, minute) for span in validity.hours] or [today]
    return any(day is not None and (day.isoweekday() in validity.weekdays or not validity.weekdays) for day in begun)


def local_day(now: datetime, zone_name: str) -> str:
    """The calendar day there, `2026-11-11`; days begin at local midnight."""
    return now.astimezone(zone(zone_name)).date().isoformat()


def next_day(now: datetime, zone_name: str) -> datetime:
    """The instant at which the next local day begins."""
    local = now.astimezone(zone(zone_name))
    midnight = datetime.combine(local.date() + timedelta(days=1), time(), tzinfo=local.tzinfo)
    return midnight.astimezone(UTC)
