"""HTTP shapes of the audit log."""

from typing import Any

from shared.web import Instant, View


class AuditView(View):
    """One administrative call that took effect."""

    id: str
    at: Instant
    actor_key_id: str | None
    action: str
    object_id: str
    request_id: str | None
    detail: dict[str, Any]
