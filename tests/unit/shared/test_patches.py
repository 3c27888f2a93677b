"""PATCH: left out, null, given."""

from typing import Any, ClassVar, Self

import pytest
from pydantic import Field, ValidationError, model_validator

from shared.web import Body, Instant, Patch, Unprocessable, View, merged


class Limits(Body):
    total: int | None = None
    per_day: int | None = None


class Offer(Body):
    name: str
    limits: Limits = Limits()
    tags: tuple[str, ...] = ()
    ends_at: Instant | None = Field(None, alias="until")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.limits.per_day is not None and self.limits.total is None:
            raise ValueError("a limit of a day needs a total")
        return self


class OfferView(View):
    id: str
    name: str
    limits: Limits
    tags: tuple[str, ...]
    ends_at: Instant | None = Field(None, alias="until")


class OfferPatch(Body):
    name: str | None = None
    limits: Limits | None = None
    tags: tuple[str, ...] | None = None
    ends_at: Instant | None = Field(None, alias="until")


class NotePatch(Patch):
    nullable: ClassVar[frozenset[str]] = frozenset(("link",))
    text: str | None = None
    link: str | None = None


BEFORE = OfferView(id="o1", name="a", limits=Limits(total=5, per_day=1), tags=("x",), until="2026-11-11T10:00:00+08:00")


@pytest.mark.parametrize(
    ("patch", "changed"),
    [
        ({}, {}),
        ({"name": "b"}, {"name": "b"}),
        ({"limits": {"per_day": None}}, {"limits": {"total": 5, "per_day": None}}),
        ({"limits": {"total": 9}}, {"limits": {"total": 9, "per_day": 1}}),
        ({"tags": ["y", "z"]}, {"tags": ["y", "z"]}),
        ({"until": None}, {"until": None}),
    ],
)
def test_a_patch_changes_what_it_gives(patch: dict[str, Any], changed: dict[str, Any]) -> None:
    before = BEFORE.model_dump(mode="json", by_alias=True, exclude={"id"})
    after = merged(Offer, BEFORE, OfferPatch.model_validate(patch), by_field=("limits",))
    assert after.model_dump(mode="json", by_alias=True) == before | changed


@pytest.mark.parametrize(
    ("patch", "pointer"),
    [({"name": None}, "#/name"), ({"limits": None}, "#/limits"), ({"limits": {"total": None}}, "#")],
)
def test_the_whole_is_checked_again(patch: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Unprocessable) as caught:
        merged(Offer, BEFORE, OfferPatch.model_validate(patch), by_field=("limits",))
    assert [error.pointer for error in caught.value.errors or ()] == [pointer]


def test_parts_are_replaced_whole_unless_said() -> None:
    assert merged(Offer, BEFORE, OfferPatch(limits=Limits(total=9))).limits == Limits(total=9)


def test_null_takes_away_only_what_can_be_missing() -> None:
    assert NotePatch.model_validate({"link": None}).given() == {"link": None}
    assert NotePatch.model_validate({"text": "x"}).given() == {"text": "x"}
    assert NotePatch.model_validate({}).given() == {}
    with pytest.raises(ValidationError) as caught:
        NotePatch.model_validate({"text": None, "link": None})
    assert [(error["type"], error["loc"]) for error in caught.value.errors()] == [("null_not_allowed", ("text",))]
