"""Which origins may be set: what a browser would send, or a star."""

import pytest
from pydantic import ValidationError

from gateway.settings import GatewaySettings


@pytest.mark.parametrize(
    "origin", ["shop.example", "https://shop.example/app", "https://", "https://a b", "https://u@h"]
)
def test_what_no_browser_would_send_as_an_origin_is_refused_at_the_start(origin: str) -> None:
    with pytest.raises(ValidationError):
        GatewaySettings(cors_origins=(origin,))


def test_an_origin_is_taken_as_a_browser_writes_it() -> None:
    assert GatewaySettings(cors_origins=("HTTPS://Shop.Example/", "*")).cors_origins == ("https://shop.example", "*")
