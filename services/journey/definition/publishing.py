"""Use cases of a journey's life: publish, pause, resume, stop."""

import asyncio
from collections.abc import Callable

from services.journey.definition import repository
from services.journey.definition.graph import Definition, EventEntry, SegmentEntry, Send
from services.journey.definition.management import Journeys, read_own_journey
from services.journey.definition.rules import Finding, Needed, check, missing, needed
from services.journey.definition.schemas import JourneyView, field_errors
from services.journey.run import JourneyStatus
from services.journey.settings import JourneySettings
from services.journey.templates.management import Templates
from services.journey.templates.repository import find_channels
from shared.service import Kit
from shared.web import Caller, Conflict, Unprocessable

LOOK_AGAIN = 0.05


class Publishing:
    """Every change of status is one conditional update, so that two callers cannot both make it."""

    def __init__(
        self, kit: Kit, settings: JourneySettings, journeys: Journeys, templates: Templates, wake: Callable[[], None]
    ) -> None:
        """`wake` is called once a change of status is durable."""
        self._kit = kit
        self._settings = settings
        self._journeys = journeys
        self._templates = templates
        self._wake = wake

    async def publish(self, caller: Caller, journey_id: str) -> JourneyView:
        """Makes the newest version the one that new runs take; runs in flight finish on theirs.

        Raises NotFound, Conflict when stopped or edited meanwhile, Unprocessable with every problem of the definition.
        """
        async with self._kit.db.read() as tx:
            journey = await read_own_journey(tx, caller, journey_id)
            definition = Definition.model_validate(await repository.find_definition(tx, journey_id, journey.version))
        await self._refuse_unsound(caller, definition)
        entry = definition.entry
        name = entry.event if isinstance(entry, EventEntry) else None
        values = {
            "status": "published",
            "live_version": journey.version,
            "entry_kind": entry.kind,
            "entry_name": entry.segment_id if isinstance(entry, SegmentEntry) else name,
            "updated_at": self._kit.clock.now(),
        }
        async with self._kit.db.write() as tx:
            if not await repository.publish(tx, journey_id, journey.version, values):
                row = await read_own_journey(tx, caller, journey_id)
                if row.status == "stopped":
                    raise Conflict("journey_stopped", "A stopped journey cannot be published; create a new one.")
                raise Conflict("journey_changed", "The journey was edited meanwhile; look at it and publish again.")
            await repository.insert_interests(tx, journey_id, definition.interests)
            tx.after_commit(self._wake)
        return await self._journeys.read(caller, journey_id)

    async def pause(self, caller: Caller, journey_id: str) -> JourneyView:
        """Nobody enters and nobody advances; exits and goals still count. Raises NotFound, Conflict."""
        return await self._change_status(caller, journey_id, ("published",), "paused")

    async def resume(self, caller: Caller, journey_id: str) -> JourneyView:
        """Goes on; what came due during the pause happens now. Raises NotFound, Conflict."""
        return await self._change_status(caller, journey_id, ("paused",), "published")

    async def stop(self, caller: Caller, journey_id: str) -> JourneyView:
        """For ever: runs in flight exit with the reason `journey_stopped`. Raises NotFound, Conflict for a draft."""
        async with self._kit.db.read() as tx:
            stopped = (await read_own_journey(tx, caller, journey_id)).status == "stopped"
        if stopped:
            return await self._journeys.read(caller, journey_id)
        return await self._change_status(caller, journey_id, ("published", "paused"), "stopped")

    async def _change_status(
        self, caller: Caller, journey_id: str, before: tuple[JourneyStatus, ...], after: JourneyStatus
    ) -> JourneyView:
        async with self._kit.db.write() as tx:
            await read_own_journey(tx, caller, journey_id)
            if not await repository.change_status(tx, journey_id, before, after, self._kit.clock.now()):
                journey = await read_own_journey(tx, caller, journey_id)
                detail = f"The journey is {journey.status}; this needs one that is {' or '.join(before)}."
                raise Conflict("wrong_status", detail, journey_status=journey.status)
            tx.after_commit(self._wake)
        return await self._journeys.read(caller, journey_id)

    async def _refuse_unsound(self, caller: Caller, definition: Definition) -> None:
        findings = check(definition)
        if not findings:
            findings = await self._check_ids(caller, needed(definition), definition)
        if findings:
            first = findings[0]
            raise Unprocessable(
                "invalid_definition",
                f"{first.pointer}: {first.detail}" + (f" (and {len(findings) - 1} more)" if findings[1:] else ""),
                errors=field_errors(findings),
            )

    async def _check_ids(self, caller: Caller, wanted: Needed, definition: Definition) -> list[Finding]:
        """Ids of other services come by messages: one made a moment ago may not have arrived, so we wait a little."""
        deadline = asyncio.get_running_loop().time() + self._settings.copy_wait_seconds
        while True:
            async with self._kit.db.read() as tx:
                channels = await find_channels(tx, caller, wanted.messages)
                templates = await repository.find_known(tx, "coupon_template", wanted.templates)
                segments = await repository.find_known(tx, "segment", wanted.segments)
            findings = [
                *missing(wanted.templates, templates, "unknown_template", "coupon template"),
                *missing(wanted.segments, segments, "unknown_segment", "segment"),
            ]
            if not findings or asyncio.get_running_loop().time() >= deadline:
                break
            if self._kit.db.is_joined() and self._kit.db.dialect == "sqlite":
                # This call's own transaction keeps the one writer, so no message can arrive while we wait.
                raise Conflict(
                    "ids_not_known_yet",
                    f"{findings[0].pointer}: {findings[0].detail} If it was made a moment ago, repeat this call.",
                    headers={"Retry-After": "1"},
                )
            await asyncio.sleep(LOOK_AGAIN)
        findings += missing(wanted.messages, channels, "unknown_message_template", "message template")
        return findings + await self._check_sends(definition, channels)

    async def _check_sends(self, definition: Definition, channels: dict[str, tuple[str, bool]]) -> list[Finding]:
        findings = []
        for node_id, node in definition.nodes.items():
            if not isinstance(node, Send) or node.template_id not in channels:
                continue
            channel, has_url = channels[node.template_id]
            if channel != node.channel:
                detail = f"This template is for the channel {channel}; use it there or name another."
                findings.append(Finding(f"#/nodes/{node_id}/template_id", "wrong_channel", detail))
            elif node.url is not None:
                await self._templates.check_url(f"#/nodes/{node_id}/url", node.url)
            elif channel == "webhook" and not has_url:
                detail = "Give the node or its template a url to post to."
                findings.append(Finding(f"#/nodes/{node_id}", "url_missing", detail))
        return findings
