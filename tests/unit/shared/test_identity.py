"""Who is calling, as ledgers name them."""

from shared.web import Caller


def test_the_actor_is_the_customer_of_an_end_users_token_and_else_the_key() -> None:
    assert Caller("key_1", "own_1", "secret", ("*",)).actor == "key:key_1"
    assert Caller("key_1", "own_1", "publishable", ("*",), customer_id="c1").actor == "customer:c1"
