"""PATCH: what is left out stays, null takes away what can be missing, and the whole must be right afterwards."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from shared.web.pointers import cut_to
from shared.web.problems import Problem, from_validation
from shared.web.schemas import Body

M = TypeVar("M", bound=BaseModel)


class Patch(Body):
    """Base of bodies of which each field given is stored as it is. All fields are optional."""

    nullable: ClassVar[frozenset[str]] = frozenset()
    """Which fields may be null: what they hold is taken away."""

    @field_validator("*", mode="before")
    @classmethod
    def _keeps_what_is_needed(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None and info.field_name not in cls.nullable:
            raise PydanticCustomError("null_not_allowed", "This can't be taken away; leave it out to keep it")
        return value

    def given(self) -> dict[str, Any]:
        """The fields that were given."""
        return self.model_dump(exclude_unset=True)


@contextmanager
def pointing_into(patch: BaseModel) -> Iterator[None]:
    """What is refused in here points into what the patch gives: a rule may name a field of the whole that it left out."""
    try:
        yield
    except Problem as problem:
        sent = patch.model_dump(mode="json", by_alias=True, exclude_unset=True)
        for error in problem.errors or ():
            error.pointer = cut_to(sent, error.pointer)
        raise


def merged(whole: type[M], before: BaseModel, patch: BaseModel, *, by_field: Collection[str] = ()) -> M:
    """The document `before` as `patch` wants it, checked as if it were sent whole. Raises Unprocessable.

    Parts are replaced whole, except those `by_field`: of these each field given is replaced.
    """
    present = before.model_dump(mode="json", by_alias=True, include=set(whole.model_fields))
    given = patch.model_dump(mode="json", by_alias=True, exclude_unset=True)
    for name in by_field:
        if isinstance(given.get(name), dict) and isinstance(present[name], dict):
            given[name] = present[name] | given[name]
    try:
        return whole.model_validate(present | given)
    except ValidationError as error:
        sent = patch.model_dump(mode="json", by_alias=True, exclude_unset=True)
        raise from_validation(error.errors(include_url=False, include_input=False), sent, in_body=True) from None
