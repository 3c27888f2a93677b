"""Splits are sticky, fair and independent (F28)."""

from hashlib import sha256

from services.journey.engine.nodes import bucket, choose

ARMS = [("A", 4500), ("B", 4500), ("holdout", 1000)]


def test_f28_sample_ratio_holds_over_a_million_customers() -> None:
    counts = dict.fromkeys(("A", "B", "holdout"), 0)
    for number in range(1_000_000):
        counts[choose(ARMS, bucket("jny_1:s", f"c{number}"))] += 1
    chi_square = sum((counts[name] - share * 100) ** 2 / (share * 100) for name, share in ARMS)
    assert chi_square < 13.8  # two degrees of freedom, p = 0.001


def test_f28_the_hash_is_pinned() -> None:
    """The arm of a customer must survive every release: this is sha256(salt:customer), first 8 bytes, mod 10000."""
    expected = int.from_bytes(sha256("jny_1:s:顾客".encode()).digest()[:8], "big") % 10_000
    assert bucket("jny_1:s", "顾客") == expected
    assert bucket("jny_1:s", "c1") == 4207


def test_f28_another_salt_divides_independently() -> None:
    both = sum(bucket("a", f"c{n}") < 5000 and bucket("b", f"c{n}") < 5000 for n in range(20_000))
    assert abs(both - 5000) < 300


def test_an_arm_without_share_is_never_taken() -> None:
    assert {choose([("none", 0), ("all", 10_000)], place) for place in range(10_000)} == {"all"}
