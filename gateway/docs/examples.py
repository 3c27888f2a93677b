"""The examples of the document: a request of each operation, what it was answered, and a refusal of each status.

`tests/scenarios/test_api_examples.py` makes the calls of `tests/kit/api_examples.txt` against the sample shop; with
`QUANYU_TEST_WRITE_EXAMPLES=1` it writes `examples.json` anew.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from shared.web.openapi_components import NAMES

FILE = Path(__file__).parent / "examples.json"
_FAILURE = {
    "type": "about:blank",
    "title": "Internal Server Error",
    "status": 500,
    "detail": "Something failed on our side.",
    "code": "internal_error",
    "request_id": "req_01JD0000000000000000000000",
}


@cache
def recorded() -> dict[str, Any]:
    """What was recorded: `operations` by `POST /v1/quotes`, `refusals` by status."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def show(document: dict[str, Any]) -> None:
    """Put the examples into the merged document; the document itself is changed."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            example = recorded()["operations"].get(f"{method.upper()} {path}")
            if example:
                _show(operation, example)
    responses = document["components"]["responses"]
    for status, problem in {**recorded()["refusals"], "5XX": _FAILURE}.items():
        for content in responses.get(NAMES[status], {}).get("content", {}).values():
            content["example"] = problem


def _show(operation: dict[str, Any], example: dict[str, Any]) -> None:
    for one in operation["parameters"]:
        if one.get("name") in example["parameters"]:
            value, kind = example["parameters"][one["name"]], one["schema"].get("type")
            one["example"] = int(value) if kind == "integer" else [value] if kind == "array" else value
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        if "body" in example and media_type == "application/json":
            content["example"] = example["body"]
    answers = operation["responses"].get(str(example["status"]), {}).get("content", {})
    if "answer" in example and example["media_type"] in answers:
        answers[example["media_type"]]["example"] = example["answer"]
