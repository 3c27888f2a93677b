"""The whole tour: the story, then a campaign, then the proof that all accounts are right."""

import secrets

from rich.console import Console

from shared.language import say
from suite.client import Client
from suite.errors import Stop
from suite.settings import CallerSettings
from suite.tour.campaign import Campaign
from suite.tour.receiver import open_receiver
from suite.tour.shop import Shop
from suite.tour.stage import Stage
from suite.tour.story import Story


async def refuse_in_production(client: Client, settings: CallerSettings) -> None:
    """Raises Stop where this suite, or the caller's own settings, say that it is the one that real customers use."""
    _, told = await client.status("/readyz")
    if "production" in (settings.environment, (told or {}).get("environment")):
        raise Stop(
            say(
                f"The suite at {settings.url} is in production: the tour makes up customers, orders and goods, and they stay. "
                "To play it all the same: quanyu tour --in-production.",
                f"{settings.url} 是生产环境：演示会留下虚构的顾客、订单与库存。仍要演示：quanyu tour --in-production。",
            )
        )


async def play(client: Client, console: Console, port: int) -> None:
    """The whole story once, with its partner on this `port` (0 = any free one).

    Raises TourFailed when something is off, Stop when a call is refused. Nothing that it made can be claimed afterwards.
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
