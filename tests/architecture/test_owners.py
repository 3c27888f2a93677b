"""Each operation of the services says whose it is what it touches, before anybody can forget the wall between owners."""

from typing import get_args

from attacks.who_owns_what import OWNERSHIP, Ownership

from gateway.routes import ROUTES


def test_every_operation_of_a_service_stands_in_the_table_of_owners() -> None:
    operations = {f"{route.method} {route.template}" for route in ROUTES if route.service != "gateway"}
    assert set(OWNERSHIP) == operations, (
        "put the new route into tests/attacks/who_owns_what.py, and a call of it beside"
    )
    assert set(OWNERSHIP.values()) <= set(get_args(Ownership))
