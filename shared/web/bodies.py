"""Bodies that a route reads by itself."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from shared.web.problems import Problem, from_validation

M = TypeVar("M", bound=BaseModel)


def read_body_as(model: type[M], raw: bytes) -> M:
    """The body as `model` says it has to be. Raises Problem, which points into it."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise _refusal(error, raw) from None


def _refusal(error: ValidationError, raw: bytes) -> Problem:
    try:
        sent = from_json(raw)
    except ValueError:
        sent = None  # what can't be read is refused as such
    return from_validation(error.errors(include_url=False, include_input=False), sent, in_body=True)
