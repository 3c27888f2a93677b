"""HTTP shapes of the audit log."""

from typing import Any, Literal

from gateway.audit_log.models import Kind
from shared.web import Instant, View


class AuditView(View):
    """An administrative call, or a fact that followed from one (joined by `request_id`).

    `actor` is `key:…`, `account:…`, `customer:…`, or empty for what the gateway did by itself. `before` and `after` hold what
    changed of the object, secrets and people's contacts masked. `status` is empty for facts, and where nobody knows what became
    of a call. `seq` and `hash` are its place in the chain, a second later.
    """

    id: str
    at: Instant
    kind: Kind
    actor: str | None
    action: str
    object_id: str
    status: int | None
    address: str | None
    request_id: str | None
    detail: dict[str, Any]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    seq: int | None
    hash: str | None


class ChainFault(View):
    """`missing`: entries are gone from `seq` on. `changed`: the entry there was. `rewritten`: it is not what an anchor says."""

    kind: Literal["missing", "changed", "rewritten"]
    seq: int
    detail: str


class ChainView(View):
    """Whether the log is what was written. Keep `seq` and `hash` elsewhere: they prove that nothing before was rewritten."""

    ok: bool
    entries: int
    first_seq: int
    seq: int
    hash: str
    faults: list[ChainFault]
