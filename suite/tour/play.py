"""The whole tour: the story, then a campaign, then the proof that all accounts are right."""

import secrets

from rich.console import Console

from suite.client import Client
from suite.tour.campaign import Campaign
from suite.tour.receiver import open_receiver
from suite.tour.shop import Shop
from suite.tour.stage import Stage
from suite.tour.story import Story


async def play(client: Client, console: Console, port: int) -> None:
    """The whole story once, with its partner on this `port` (0 = any free one).

    Raises TourFailed when something is off, Stop when a call is refused.
    """
    stage = Stage(console)
    async with open_receiver(port) as receiver:
        story = Story(client, stage, receiver, Shop(secrets.token_hex(3)))
        try:
            await story.merchant()
            await story.shopper(story.first)
            await story.purchase(story.first)
            await story.partner(story.first)
            await story.shopper(story.second)
            await story.check_out(story.second)
            await story.cancel(story.second)
            await Campaign(client, stage, story.shop.run).play()
            await story.accounts()
        finally:
            await story.tidy()
    stage.end()
