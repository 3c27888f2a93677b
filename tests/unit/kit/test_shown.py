"""A page is held against what was printed: what differs from run to run is let through, a wrong figure is not."""

import pytest
from kit.shown import blocks, difference, shows

PRINTED = """{
  "id": "cpn_01M8RMWZ99EGY95JD5JGDG0RZB",
  "discount": 3958,
  "total": 22242
}
"""


def test_what_may_differ_is_let_through() -> None:
    assert shows(PRINTED.replace("01M8RMWZ99EGY95JD5JGDG0RZB", "…"), PRINTED)
    assert shows(PRINTED.replace("01M8RMWZ99EGY95JD5JGDG0RZB", "01M8CVZARSEHABGN49YQBCS1T0"), PRINTED)
    assert shows('{\n  …\n  "discount": 3958,\n  …\n}', PRINTED)
    assert shows("paid · lin-a1b2c3  36 ms", "paid · lin-0f0f0f  1.2 s")


@pytest.mark.parametrize(
    "wrong",
    [
        PRINTED.replace("3958", "3959"),
        PRINTED.replace('"total": 22242\n', ""),
        '…\n  "discount": 3959,\n…',
        '{\n  "discount": 3958,\n…',
        "…\n}\n  more",
        PRINTED.replace("cpn_", "tpl_x"),
    ],
)
def test_what_is_wrong_is_found(wrong: str) -> None:
    assert not shows(wrong, PRINTED)
    assert difference(wrong, PRINTED)


def test_the_blocks_of_a_page() -> None:
    page = "# Page\n\n```bash\nmake run\n```\n\ntext\n\n```\nready\n```\n"
    assert [(block.language, block.text, block.line) for block in blocks(page)] == [
        ("bash", "make run\n", 3),
        ("", "ready\n", 9),
    ]
