"""No channel of messages is forgotten: each is sent in some way, and the database knows the same ones."""

from typing import Any, cast, get_args

import pytest
from sqlalchemy import CheckConstraint
from unit.journey.stepkit import NOW, fresh

from services.journey.actions.messages import AtOnce, Messages, Queued
from services.journey.run import Channel, SendMessage
from services.journey.templates.models import MessageTemplate


async def deliver(tx: Any, messages: Any) -> None:
    raise AssertionError("nothing is delivered here")


WAYS: dict[Channel, AtOnce | Queued] = {"inbox": AtOnce(deliver), "webhook": Queued(lambda: None)}


@pytest.mark.parametrize(
    "ways",
    [{}, {"inbox": WAYS["inbox"]}, WAYS | cast(Any, {"pigeon": AtOnce(deliver)})],
    ids=["no channel", "one is missing", "one is unknown"],
)
def test_every_channel_has_its_way(ways: dict[Any, AtOnce | Queued]) -> None:
    Messages(WAYS)
    with pytest.raises(ValueError, match="every channel"):
        Messages(ways)


async def test_an_unknown_channel_is_refused_and_never_counts_as_sent() -> None:
    send = SendMessage("run:m:1", "m", cast(Any, "pigeon"), "msg_1", body="hello")
    with pytest.raises(KeyError, match="pigeon"):
        await Messages(WAYS).record(cast(Any, None), [(fresh(), send)], NOW)


def test_the_database_knows_the_same_channels() -> None:
    (check,) = (one for one in MessageTemplate.table.constraints if isinstance(one, CheckConstraint))
    assert str(check.sqltext) == "channel IN ({})".format(", ".join(f"'{channel}'" for channel in get_args(Channel)))
