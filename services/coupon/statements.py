"""Small helpers of the service's SQL."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def padded(values: Sequence[T]) -> list[T]:
    """The values with the last one repeated up to a power of two.

    `IN` lists of a few lengths are prepared once each; of any length they would be planned again for every batch.
    """
    size = 1 << max(len(values) - 1, 0).bit_length()
    return [*values, *[values[-1]] * (size - len(values))] if values else []
