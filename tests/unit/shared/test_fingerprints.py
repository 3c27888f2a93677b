"""The same request has the same fingerprint, also after a release."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shared.web import Body, Instant, fingerprint


class Line(Body):
    sku: str
    quantity: int = 1


class Order(Body):
    lines: list[Line]
    at: Instant | None = None


class NewerLine(Line):
    gift: bool = False


class NewerOrder(Body):
    note: str | None = None
    at: Instant | None = None
    lines: list[NewerLine]


bodies = st.builds(
    Order,
    lines=st.lists(st.builds(Line, sku=st.text(max_size=5), quantity=st.integers(1, 3)), max_size=3),
    at=st.none() | st.integers(0, 2**31).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
)


@given(bodies)
def test_a_release_that_adds_fields_with_defaults_changes_no_fingerprint(body: Order) -> None:
    assert fingerprint(NewerOrder.model_validate(body.model_dump())) == fingerprint(body)


@given(bodies, bodies)
def test_bodies_that_ask_for_different_things_differ(one: Order, other: Order) -> None:
    assert (fingerprint(one) == fingerprint(other)) == (one == other)


def test_a_default_that_is_sent_and_the_order_of_fields_make_no_difference() -> None:
    given_out = Order.model_validate({"at": None, "lines": [{"quantity": 1, "sku": "a"}]})
    assert fingerprint(given_out) == fingerprint(Order.model_validate({"lines": [{"sku": "a"}]}))
    assert fingerprint({"b": 1, "a": 2}) == fingerprint({"a": 2, "b": 1}) != fingerprint({"a": 1, "b": 2})
    assert fingerprint(NewerOrder(lines=[], note="x")) != fingerprint(NewerOrder(lines=[]))
