"""HTTP shapes of the audit."""

from shared.web import View


class Check(View):
    """One identity. `offending` names up to twenty rows that break it, `detail` says what it claims or how it is broken."""

    name: str
    ok: bool
    detail: str
    offending: list[dict[str, str | int | None]]


class AuditView(View):
    """`ok` when every check is."""

    ok: bool
    checks: list[Check]
