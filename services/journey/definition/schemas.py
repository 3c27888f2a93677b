"""HTTP shapes of journeys."""

from typing import Any, Literal

from pydantic import ConfigDict, model_validator

from services.journey.definition.graph import SUPPORTED_ENTRIES, SUPPORTED_NODES, Definition
from services.journey.definition.rules import Finding
from shared.web import FieldError, Instant, Unprocessable, View
from shared.web.pointers import pointer

Status = Literal["draft", "published", "paused", "stopped"]


class JourneyIn(Definition):
    """What is drawn. A draft may be incomplete; `problems` in the answer tells what publishing would still refuse."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unsupported(cls, raw: Any) -> Any:
        """Kinds that this version does not run are named as such, never accepted and never merely `invalid`."""
        if not isinstance(raw, dict):
            return raw
        entry, nodes = raw.get("entry"), raw.get("nodes")
        if isinstance(entry, dict) and "kind" in entry and entry["kind"] not in SUPPORTED_ENTRIES:
            supported = ", ".join(SUPPORTED_ENTRIES)
            detail = f"This entry kind is not supported; use one of {supported}."
            error = FieldError(pointer="#/entry/kind", code="unsupported_entry", detail=detail)
            raise Unprocessable("unsupported_entry", detail, errors=[error])
        if isinstance(nodes, dict):
            _refuse_nodes(nodes)
        return raw


def _refuse_nodes(nodes: dict[Any, Any]) -> None:
    detail = f"This node kind is not supported; use one of {', '.join(SUPPORTED_NODES)}."
    errors = [
        FieldError(pointer=pointer("nodes", str(name), "kind"), code="unsupported_node", detail=detail)
        for name, node in nodes.items()
        if isinstance(node, dict) and "kind" in node and node["kind"] not in SUPPORTED_NODES
    ]
    if errors:
        raise Unprocessable("unsupported_node", f"{errors[0].pointer}: {detail}", errors=errors[:50])


class JourneyView(Definition):
    """A journey: what is drawn in its newest version, and where it stands."""

    id: str
    status: Status
    version: int
    live_version: int | None
    problems: list[FieldError]
    created_at: Instant
    updated_at: Instant


class JourneyRow(View):
    """A journey in a list."""

    id: str
    name: str
    status: Status
    version: int
    live_version: int | None
    created_at: Instant
    updated_at: Instant


def field_errors(findings: list[Finding]) -> list[FieldError]:
    """Findings as the problem documents carry them."""
    return [FieldError(pointer=one.pointer, code=one.code, detail=one.detail) for one in findings]
