"""What counts as an additive change of a contract."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model

from shared.contracts.compatibility import breaking_changes


class Line(BaseModel):
    sku: str
    quantity: int


class WiderLine(BaseModel):
    sku: str
    quantity: int
    note: str = ""


class NarrowerLine(BaseModel):
    sku: str


WiderLine.__name__ = NarrowerLine.__name__ = "Line"


def schema(**fields: Any) -> dict[str, Any]:
    model: type[BaseModel] = create_model("Event", **fields)
    return model.model_json_schema()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"a": (str, ...)}, {"a": (str, ...), "b": (int, 0)}),
        ({"a": (str, ...)}, {"a": (str, "x")}),
        ({"a": (Literal["x", "y"], ...)}, {"a": (Literal["x", "y", "z"], ...)}),
        ({"lines": (list[Line], ...)}, {"lines": (list[WiderLine], ...)}),
        ({"line": (Line | None, None)}, {"line": (WiderLine | None, None)}),
        ({"a": (str, ...)}, {"a": (str, Field(description="explained"))}),
    ],
)
def test_additive_changes_pass(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert breaking_changes(schema(**old), schema(**new)) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ({"a": (str, ...)}, {}, "a is gone"),
        ({"a": (str, ...)}, {"a": (str, ...), "b": (int, ...)}, "b is newly required"),
        ({"a": (str, ...)}, {"a": (int, ...)}, "a no longer takes string"),
        ({"a": (str, ...)}, {"a": (str | None, None)}, "a now also takes null"),
        ({"a": (Literal["x", "y"], ...)}, {"a": (Literal["x"], ...)}, "a no longer takes 'y'"),
        ({"lines": (list[Line], ...)}, {"lines": (list[NarrowerLine], ...)}, "lines[].quantity is gone"),
        ({"line": (Line | None, None)}, {"line": (NarrowerLine | None, None)}, "line.quantity is gone"),
        ({"a": (list[str], ...)}, {"a": (list[int], ...)}, "a[] no longer takes string"),
    ],
)
def test_breaking_changes_are_named(old: dict[str, Any], new: dict[str, Any], says: str) -> None:
    assert says in breaking_changes(schema(**old), schema(**new))
