"""What clients send and get about scanning."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints

from shared.web import Body, ExternalId, Instant, Patch, View

Status = Literal["active", "paused"]
MOST_LINK = 1000


def _holds_token(value: str) -> str:
    if value.count("{token}") != 1 or not value.isprintable():
        raise ValueError("must hold {token} once, where the token belongs")
    if len(value.encode()) > MOST_LINK:
        raise ValueError(f"must not be longer than {MOST_LINK} bytes; a QR code holds no more")
    return value


Link = Annotated[str, StringConstraints(min_length=7, max_length=MOST_LINK), AfterValidator(_holds_token)]


class ClaimCodeIn(Body):
    """A QR code to claim by: a poster, or a screen in the shop whose code changes (`rotating`)."""

    template_id: ExternalId
    shop_id: ExternalId
    rotating: Annotated[bool, Field(strict=True)]
    ttl_seconds: Annotated[
        int, Field(strict=True, ge=15, le=3600, description="how long one picture of a rotating code can be used")
    ] = 60
    link: Annotated[
        Link | None,
        Field(
            description="what the QR code holds, such as `https://m.example.com/claim?t={token}`; else the bare token"
        ),
    ] = None
    valid_until: Instant | None = None


class ClaimCodePatch(Patch):
    """Pause or activate, or move the end."""

    nullable: ClassVar[frozenset[str]] = frozenset(("valid_until",))
    status: Status | None = None
    valid_until: Instant | None = None


class ClaimCodeView(View):
    """A QR code to claim by. What signs it stays with us."""

    id: str
    template_id: str
    shop_id: str
    rotating: bool
    ttl_seconds: int
    link: str | None
    status: Status
    valid_until: Instant | None
    created_at: Instant
    updated_at: Instant


class ClaimTokenView(View):
    """The token of now. `content` is what belongs into the QR code; ask again before `expires_at`."""

    token: str
    content: str
    expires_at: Annotated[Instant | None, Field(description="null for a poster")]


class ScanIn(Body):
    """What was scanned, and by whom."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    customer_id: ExternalId


class ScanFigure(View):
    """Coupons that a shop's QR codes gave on one day."""

    shop_id: str
    day: str
    coupons: int


class ScanFigures(View):
    """By day and shop, newest day first."""

    data: list[ScanFigure]
