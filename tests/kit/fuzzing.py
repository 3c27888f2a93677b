"""Schemathesis: what the OpenAPI document of a running suite allows, and what it forbids, thrown at its operations."""

from collections import Counter
from typing import Any, cast

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from shared.external_ids import FORMAT

# Without it, nearly every text is refused before it reaches a use case. One in many is odd still.
schemathesis.openapi.format(
    FORMAT, st.text("aZ0-_ 客é😀", min_size=1, max_size=20).map(str.strip).filter(bool) | st.text(min_size=1)
)


def fuzz(url: str, key: str, *, examples: int = 12, below: tuple[str, ...] = ("/",), least: int = 300) -> list[str]:
    """What went wrong, one text for each operation whose path is `below` one of these. At `least` so many calls succeed."""
    document = requests.get(f"{url}/openapi.json", timeout=30).json()
    failures, seen = [], Counter[int]()
    with requests.Session() as session:
        session.headers["authorization"] = f"Bearer {key}"
        session.hooks["response"] = [lambda answer, **_: seen.update([answer.status_code])]
        schema = schemathesis.openapi.from_dict(_pointed_at_real_objects(document, url, session))
        schema.config.update(base_url=url)
        operations: list[Any] = [cast(Any, one).ok() for one in schema.get_all_operations()]
        for operation in (one for one in operations if one.path.startswith(below)):
            if operation.path.startswith("/v1/keys") and operation.method.upper() == "DELETE":
                continue  # it could only ever hit the key that we call with
            failure = _one(operation, session, examples)
            if failure:
                failures.append(failure)
    # A document that no call gets past would prove nothing.
    assert seen[200] + seen[201] + seen[202] > least, seen
    return failures


def _pointed_at_real_objects(document: dict[str, Any], url: str, session: requests.Session) -> dict[str, Any]:
    """The document without its security schemes (the session has a key) and with real ids for path parameters."""
    document["components"].pop("securitySchemes", None)
    document.pop("security", None)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation.pop("security", None)
            for parameter in operation.get("parameters", []):
                if parameter.get("in") == "path":  # a header that many share is a reference
                    parameter["schema"] = {"type": "string", "enum": _ids(path, parameter["name"], url, session)}
    return document


def _ids(path: str, name: str, url: str, session: requests.Session) -> list[str]:
    collection = path.split("/{" + name + "}")[0]
    found = session.get(url + collection, params={"limit": 3}, timeout=30) if "{" not in collection else None
    rows = found.json().get("data", []) if found is not None and found.status_code == 200 else []
    return [*[row["id"] for row in rows if "id" in row], "nothing_here", "客户%20%3F"]


def _one(operation: Any, session: requests.Session, examples: int) -> str | None:
    @given(case=operation.as_strategy())
    @settings(
        max_examples=examples,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    def calls(case: Any) -> None:
        case.call_and_validate(
            session=session,
            timeout=30,
            checks=[
                not_a_server_error,
                content_type_conformance,
                status_code_conformance,
                response_headers_conformance,
                response_schema_conformance,
            ],
        )

    try:
        calls()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        return f"{operation.method.upper()} {operation.path}: {error}"[:1500]
    return None
