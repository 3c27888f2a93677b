"""The document in English and in Chinese: everything that people read stands in both, and says the same codes."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from api.gateway.test_openapi_document import operations, parts
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.docs.merging import merge
from gateway.docs.tags import TAGS
from gateway.routes import ROUTES

__all__ = ["parts"]
HAN = re.compile(r"[\u4e00-\u9fff]")
_CODES = re.compile(r"`[^`]+`|\b[2-5]\d\d\b")


@pytest.fixture(scope="module")
def english(parts: Any) -> Any:
    return json.loads(json.dumps(merge(parts, ROUTES, language="en")))


@pytest.fixture(scope="module")
def chinese(parts: Any) -> Any:
    return json.loads(json.dumps(merge(parts, ROUTES, language="zh")))


def read(document: Any) -> Iterator[tuple[str, str]]:
    """What people read, each with its place."""
    for name, operation in operations(document):
        yield f"{name} summary", operation.get("summary", "")
        yield f"{name} description", operation.get("description", "")
        for one in operation["parameters"]:
            if "$ref" not in one:
                yield f"{name} {one['name']}", one.get("description", "")
        for status, answer in operation["responses"].items():
            if status[0] == "2":
                yield f"{name} {status}", answer["description"]
    for name, item in document["webhooks"].items():
        yield f"{name} description", item["post"]["description"]
        for one in item["post"]["parameters"]:
            yield f"{name} {one['name']}", one["description"]
    for kind in ("parameters", "headers", "responses", "securitySchemes"):
        for name, holder in document["components"][kind].items():
            yield f"{kind} {name}", holder.get("description", "")
    for number, tag in enumerate(document["tags"]):
        yield f"tag {number} name", tag["name"]
        yield f"tag {number} description", tag.get("description", "")
    yield "introduction", document["info"]["description"]


def test_everything_that_people_read_stands_in_both_languages(english: Any, chinese: Any) -> None:
    in_english, in_chinese = dict(read(english)), dict(read(chinese))
    assert in_english.keys() == in_chinese.keys()
    assert [place for place, text in in_english.items() if not text] == [], "not said at all"
    untold = [place for place, text in in_chinese.items() if not HAN.search(text)]
    assert untold == [], "without Chinese: see shared/web/chinese.py, gateway/docs/parameters.py and tags.py"


def test_both_languages_name_the_same_codes(english: Any, chinese: Any) -> None:
    in_chinese = dict(read(chinese))
    differing = [
        place
        for place, text in read(english)
        if place != "introduction"
        and sorted(set(_CODES.findall(text))) != sorted(set(_CODES.findall(in_chinese[place])))
    ]
    assert differing == []


def test_only_what_people_read_differs(english: Any, chinese: Any) -> None:
    OpenAPIV31SpecValidator(chinese).validate()

    def bare(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: bare(one) for key, one in node.items() if key not in ("summary", "description", "tags")}
        return [bare(one) for one in node] if isinstance(node, list) else node

    assert bare(english) == bare(chinese)
    assert "x-zh" not in json.dumps(english) + json.dumps(chinese)


def test_chapters_stand_in_a_readers_order_and_each_is_explained(english: Any, chinese: Any) -> None:
    for document, names in ((english, [tag.english for tag in TAGS]), (chinese, [tag.chinese for tag in TAGS])):
        assert [tag["name"] for tag in document["tags"]] == names, (
            "a line in gateway/docs/tags.py is missing, or too much"
        )
        used = {tag for _, operation in operations(document) for tag in operation["tags"]}
        used |= {tag for item in document["webhooks"].values() for tag in item["post"]["tags"]}
        assert used == set(names)
        assert all(tag["description"] for tag in document["tags"])


def test_no_name_stutters(english: Any) -> None:
    ids = [operation["operationId"] for _, operation in operations(english)]
    assert len(ids) == len(set(ids)), "an operation is called by its function's name, which is its own over all parts"
    assert [one for one in ids if not re.fullmatch(r"[a-z]+(_[a-z]+)*", one)] == []
    words = {name: re.findall(r"[A-Z][a-z]+", name) for name in english["components"]["schemas"]}
    assert [name for name, said in words.items() if any(one == two for one, two in pairwise(said))] == []
