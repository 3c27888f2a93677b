"""The main story, whole, in every arrangement, with a real Segment SDK and a real Standard Webhooks receiver."""

import asyncio
import subprocess
import sys

import pytest
from scenarios.arrangements import RunningSuite
from scenarios.conftest import StartSuite, open_story

from suite.processes import WHOLE
from suite.tour.campaign import Campaign
from suite.tour.story import Story

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("kind", ["embedded", "each_alone"])
async def test_the_story(start_suite: StartSuite, kind: str) -> None:
    async with start_suite(kind) as suite, open_story(suite, "plain", patience=20) as story:
        await story.merchant()
        await story.shopper(story.first)
        await story.purchase(story.first)
        await story.partner(story.first)
        await story.shopper(story.second)
        await story.check_out(story.second)
        await story.cancel(story.second)
        await Campaign(story.client, story.stage, story.shop.run).play()
        await story.accounts()
        await nothing_parked(suite)


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("embedded", [WHOLE]),
        ("one_process", [WHOLE]),
        # Each part dies in each scene, while others live that wait for it.
        ("each_alone", ["gateway", "segments", "inventory"]),
        ("each_alone", ["coupon", "journey"]),
    ],
    ids=lambda given: given if isinstance(given, str) else "_".join(given),
)
async def test_the_story_goes_on_when_processes_are_killed(
    start_suite: StartSuite, kind: str, parts: list[str]
) -> None:
    """SIGKILL before, during and after every scene; whoever calls repeats what got no answer."""
    async with start_suite(kind) as suite, open_story(suite, "killed", patience=60, stubborn=True) as story:
        await story.merchant()
        await story.browse(story.first)
        await suite.kill_and_restart(*parts)  # what the app sent was accepted
        await story.becomes_member(story.first)
        await suite.kill_and_restart(*parts)  # while the journey waits for its timeout
        await story.journey_helps(story.first)
        async with killed_meanwhile(suite, parts):
            await story.check_out(story.first)
        async with killed_meanwhile(suite, parts):
            await story.pay(story.first)
        await story.leaves_segment(story.first)
        await story.partner(story.first, repeats=True)
        async with killed_meanwhile(suite, parts, seconds=0.5):
            await story.shopper(story.second)
        await story.check_out(story.second)
        async with killed_meanwhile(suite, parts):
            await story.cancel(story.second)
        await story.accounts()
        await at_most_once(story)
        await nothing_parked(suite)


class killed_meanwhile:  # noqa: N801 - reads as the sentence it is
    """Kills the parts a moment after the block has begun, and brings them back."""

    def __init__(self, suite: RunningSuite, parts: list[str], seconds: float = 0.02) -> None:
        self._work = self._kill(suite, parts, seconds)

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._work)

    async def __aexit__(self, *_: object) -> None:
        await self._task

    @staticmethod
    async def _kill(suite: RunningSuite, parts: list[str], seconds: float) -> None:
        await asyncio.sleep(seconds)
        await suite.kill_and_restart(*parts)


async def at_most_once(story: Story) -> None:
    """One run, one coupon and one message per shopper, whatever was killed."""
    for shopper in (story.first, story.second):
        await story.tell_once(shopper)


async def nothing_parked(suite: RunningSuite) -> None:
    listed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "suite", "parked", "list"],
        env=suite.environment,
        cwd=suite.data_dir.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout.strip() == "Nothing is parked.", listed.stdout
