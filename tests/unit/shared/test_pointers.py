"""Where something is wrong, told as a place in the body that was sent."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from shared.web import Unprocessable, invalid
from shared.web.bodies import read_body_as
from shared.web.patches import pointing_into
from shared.web.pointers import cut_to, pointer, pointer_into
from shared.web.problems import from_validation


class Cat(BaseModel):
    kind: Literal["cat"]
    cat: int
    lives: list[int] = []


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str | list[str]


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]


class House(BaseModel):
    pets: list[Pet] = []
    by_room: dict[Annotated[str, Field(pattern="^[a-z]+$")], Pet] = {}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"pets": [{"kind": "dog", "name": "x"}, {"kind": "cat", "cat": "x"}]}', "#/pets/1/cat"),
        (b'{"pets": [{"kind": "cat"}]}', "#/pets/0/cat"),
        (b'{"pets": [{"kind": "cat", "cat": 9, "lives": [1, "x"]}]}', "#/pets/0/lives/1"),
        (b'{"pets": [{"kind": "cow"}]}', "#/pets/0/kind"),
        (b'{"pets": [{"name": "x"}]}', "#/pets/0/kind"),
        (b'{"pets": [{"kind": "dog", "name": 5}]}', "#/pets/0/name"),
        (b'{"pets": [{"kind": "dog", "name": ["a", 5]}]}', "#/pets/0/name/1"),
        (b'{"pets": [7]}', "#/pets/0"),
        (b'{"pets": 7}', "#/pets"),
        (b'{"by_room": {"hall": {"kind": "cat", "cat": null}}}', "#/by_room/hall/cat"),
        (b'{"by_room": {"a/b~c": {"kind": "dog", "name": "x"}}}', "#/by_room/a~1b~0c"),
        (b"[]", "#"),
        (b"null", "#"),
    ],
)
def test_a_refusal_points_at_what_was_sent(body: bytes, place: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        read_body_as(House, body)
    assert place in [error.pointer for error in refused.value.errors or ()]


def test_parameters_are_told_from_the_body() -> None:
    wrong = [
        {"type": "int_parsing", "msg": "Wrong", "loc": (where, "limit")}
        for where in ("query", "path", "header", "body")
    ]
    problem = from_validation(wrong, {"limit": "x"})
    assert [error.pointer for error in problem.errors or ()] == ["?limit", "{limit}", "header:limit", "#/limit"]


@pytest.mark.parametrize(
    ("sent", "location", "missing", "place"),
    [
        ({"kind": "cat", "cat": {"cat": 1}}, ("cat", "cat"), False, "#/cat/cat"),
        ({"a": {"kind": "x"}}, ("a", "x", "b"), True, "#/a/b"),
        ({"a": 1}, ("b", "c"), False, "#"),
        ({"a": [0]}, ("a", 5), False, "#/a"),
        (None, ("a",), True, "#"),
    ],
)
def test_what_only_models_have_is_left_out(sent: Any, location: tuple[Any, ...], missing: bool, place: str) -> None:
    assert pointer_into(sent, location, missing=missing) == place


def test_a_rule_about_the_whole_points_into_the_patch() -> None:
    assert cut_to({"limits": {}}, "#/limits/budget/x") == "#/limits/budget"
    assert cut_to({"name": "x"}, "#/limits/budget") == "#/limits"
    assert cut_to({"items": [{"a": 1}]}, "#/items/0/a") == "#/items/0/a"
    assert cut_to({"a/b": 1}, pointer("a/b")) == "#/a~1b"
    with pytest.raises(Unprocessable) as refused, pointing_into(House(pets=[])):
        raise invalid("#/by_room/hall/kind", "x", "Wrong.")
    assert [error.pointer for error in refused.value.errors or ()] == ["#/by_room"]


def test_the_input_is_never_echoed() -> None:
    with pytest.raises(ValidationError) as raised:
        House.model_validate({"pets": [{"kind": "13812345678"}]})
    problem = from_validation(raised.value.errors(), {"pets": [{"kind": "13812345678"}]}, in_body=True)
    assert b"138" not in problem.body(None)
    assert b"must be one of 'cat', 'dog'" in problem.body(None)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"pets": 7}', "This must be a list […]."),
        (b'{"by_room": []}', "This must be an object {…}."),
        (b'{"pets": [{"kind": "cat", "cat": 1.5}]}', "This must be a whole number, without quotation marks."),
        (b'{"pets": [{"kind": "cat"}]}', "This field is required."),
        (b'{"by_room": {"A": {"kind": "dog", "name": "x"}}}', "This must match pattern '^[a-z]+$'."),
    ],
)
def test_no_refusal_speaks_of_our_classes(body: bytes, sentence: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        read_body_as(House, body)
    assert [error.detail for error in refused.value.errors or ()] == [sentence]


def test_a_call_without_its_body_is_told_so_and_a_field_called_body_is_a_field() -> None:
    missing = [{"type": "missing", "msg": "Field required", "loc": ("body",)}]
    for in_body, place, sentence in (
        (False, "#", "This call needs a body: send one JSON object."),
        (True, "#/body", "This field is required."),
    ):
        problem = from_validation(missing, {} if in_body else None, in_body=in_body)
        assert [(error.pointer, error.detail) for error in problem.errors or ()] == [(place, sentence)]
