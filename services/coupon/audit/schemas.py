"""What the audit answers."""

from shared.web import View


class CheckView(View):
    """One identity: whether it holds, and the offending rows when it does not."""

    name: str
    ok: bool
    detail: str


class AuditView(View):
    """All identities of the service."""

    ok: bool
    checks: list[CheckView]
