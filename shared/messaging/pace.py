"""How long background rounds rest, so that messages never crowd out the requests that cause them."""

_SHARE = 4
_SHORTEST, _LONGEST = 0.01, 0.2


def rest_after(seconds: float) -> float:
    """The rest after a round that took `seconds`: four times as long, 10 to 200 ms.

    Under load rounds grow longer and rarer and carry more each, which is cheaper; at ease nobody notices the rest.
    """
    return min(max(_SHARE * seconds, _SHORTEST), _LONGEST)
