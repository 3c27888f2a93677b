"""HTTP shapes of the audit."""

from pydantic import Field

from shared.web import JsonObject, View


class AuditCheck(View):
    """One identity: does it hold, and if not, some of what breaks it."""

    name: str
    ok: bool
    detail: str
    examples: list[JsonObject] = Field(default_factory=list)


class AuditView(View):
    """All identities of this service."""

    ok: bool
    checks: list[AuditCheck]
