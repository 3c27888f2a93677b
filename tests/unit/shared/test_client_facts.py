"""Who the client is: what is believed from whom."""

from typing import Any

import pytest

from shared.web import MERCHANT, BadRequest, Caller, Client, bucket_of, client_of
from shared.web.identity import KeyKind


def scope(caller: Caller | None, **headers: str) -> Any:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "headers": named, "quanyu.caller": caller}


def caller(kind: KeyKind, customer_id: str | None = None, owner_id: str = MERCHANT) -> Caller:
    return Caller("key_1", owner_id, kind, ("*",), customer_id)


GATEWAY = {"x_forwarded_for": "203.0.113.9", "x_device_id": "d1"}


@pytest.mark.parametrize("kind", ["secret", "restricted"])
def test_a_merchants_server_may_name_its_shopper(kind: KeyKind) -> None:
    named = client_of(scope(caller(kind), **GATEWAY, x_client_address="2001:DB8::1"))
    assert named == Client("2001:db8::1", "d1")
    assert client_of(scope(caller(kind), **GATEWAY)) == Client("203.0.113.9", "d1", server=True)


@pytest.mark.parametrize("kind", ["partner", "restricted"])
def test_a_partners_server_names_nobody_and_answers_for_all_its_shoppers(kind: KeyKind) -> None:
    who = caller(kind, owner_id="own_a")
    told = client_of(scope(who, **GATEWAY, x_client_address="198.51.100.1"))
    assert told == Client("203.0.113.9", "d1", server=True, partner="own_a")


@pytest.mark.parametrize("who", [caller("publishable"), caller("secret", "c1"), None])
def test_nobody_else_may(who: Caller | None) -> None:
    assert client_of(scope(who, **GATEWAY, x_client_address="198.51.100.1")) == Client("203.0.113.9", "d1")


def test_unknown_is_unknown() -> None:
    assert client_of(scope(caller("publishable"), x_forwarded_for="")) == Client()


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"x_device_id": "d" * 201}, "invalid_device_id"),
        ({"x_device_id": "a\tb"}, "invalid_device_id"),
        ({"x_client_address": "example.com"}, "invalid_client_address"),
        ({"x_client_address": "1.2.3.4, 5.6.7.8"}, "invalid_client_address"),
    ],
)
def test_odd_headers_are_refused_and_not_echoed(headers: dict[str, str], code: str) -> None:
    with pytest.raises(BadRequest) as refused:
        client_of(scope(caller("secret"), **headers))
    assert refused.value.code == code
    assert not any(value in str(refused.value) for value in headers.values())


@pytest.mark.parametrize(
    ("address", "bucket"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("no:address", "no:address"),
    ],
)
def test_one_household_is_one_address(address: str, bucket: str) -> None:
    assert bucket_of(address) == bucket
