"""Use cases of a journey's life: publish, pause, resume, stop."""

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy import select, update

from services.journey.definition.drawing import Drawing, not_found
from services.journey.definition.graph import Definition, EventEntry, SegmentEntry, Send
from services.journey.definition.repository import INTEREST, JOURNEY, KNOWN, VERSION
from services.journey.definition.rules import Finding, Needed, check, missing, needed
from services.journey.definition.schemas import JourneyView, field_errors
from services.journey.settings import JourneySettings
from services.journey.templates.library import Templates
from shared.db import Transaction, insert_ignore
from shared.service import Kit
from shared.web import Conflict, Unprocessable

GONE = ("deleted", "archived", "ended", "voided")
LOOK_AGAIN = 0.05


class Publishing:
    """Every change of status is one conditional update, so that two callers cannot both make it."""

    def __init__(
        self, kit: Kit, settings: JourneySettings, drawing: Drawing, templates: Templates, wake: Callable[[], None]
    ) -> None:
        self._kit = kit
        self._settings = settings
        self._drawing = drawing
        self._templates = templates
        self._wake = wake

    async def publish(self, journey_id: str) -> JourneyView:
        """Makes the newest version the one that new runs take; runs in flight finish on theirs.

        Raises NotFound, Conflict when stopped or edited meanwhile, Unprocessable with every problem of the definition.
        """
        async with self._kit.db.read() as tx:
            journey = await self._drawing.require(tx, journey_id)
            chosen = (VERSION.c.journey_id == journey_id) & (VERSION.c.version == journey.version)
            definition = Definition.model_validate(await tx.scalar(select(VERSION.c.definition).where(chosen)))
        await self._refuse_unsound(definition)
        entry = definition.entry
        name = entry.event if isinstance(entry, EventEntry) else None
        values = {
            "status": "published",
            "live_version": journey.version,
            "entry_kind": entry.kind,
            "entry_name": entry.segment_id if isinstance(entry, SegmentEntry) else name,
            "updated_at": self._kit.clock.now(),
        }
        same = (JOURNEY.c.id == journey_id) & (JOURNEY.c.version == journey.version) & (JOURNEY.c.status != "stopped")
        async with self._kit.db.write() as tx:
            if (await tx.execute(update(JOURNEY).where(same).values(**values))).rowcount == 0:
                row = await self._drawing.require(tx, journey_id)
                if row.status == "stopped":
                    raise Conflict("journey_stopped", "A stopped journey cannot be published; create a new one.")
                raise Conflict("journey_changed", "The journey was edited meanwhile; look at it and publish again.")
            interests = [
                {"journey_id": journey_id, "event_name": event, "key_property": key}
                for event, key in sorted(definition.interests)
            ]
            await insert_ignore(tx, INTEREST, interests)
            tx.after_commit(self._wake)
        return await self._drawing.get(journey_id)

    async def pause(self, journey_id: str) -> JourneyView:
        """Nobody enters and nobody advances; exits and goals still count. Raises NotFound, Conflict."""
        return await self._turn(journey_id, "published", "paused")

    async def resume(self, journey_id: str) -> JourneyView:
        """Goes on; what came due during the pause happens now. Raises NotFound, Conflict."""
        return await self._turn(journey_id, "paused", "published")

    async def stop(self, journey_id: str) -> JourneyView:
        """For ever: runs in flight exit with the reason `journey_stopped`. Raises NotFound, Conflict for a draft."""
        async with self._kit.db.read() as tx:
            if (await self._drawing.require(tx, journey_id)).status == "stopped":
                return await self._drawing.get(journey_id)
        return await self._turn(journey_id, ("published", "paused"), "stopped")

    async def _turn(self, journey_id: str, before: str | tuple[str, ...], after: str) -> JourneyView:
        wanted = (before,) if isinstance(before, str) else before
        chosen = (JOURNEY.c.id == journey_id) & JOURNEY.c.status.in_(wanted)
        values = {"status": after, "updated_at": self._kit.clock.now()}
        async with self._kit.db.write() as tx:
            if (await tx.execute(update(JOURNEY).where(chosen).values(**values))).rowcount == 0:
                status = await tx.scalar(select(JOURNEY.c.status).where(JOURNEY.c.id == journey_id))
                if status is None:
                    raise not_found(journey_id)
                detail = f"The journey is {status}; this needs one that is {' or '.join(wanted)}."
                raise Conflict("wrong_status", detail, journey_status=status)
            tx.after_commit(self._wake)
        return await self._drawing.get(journey_id)

    async def _refuse_unsound(self, definition: Definition) -> None:
        findings = check(definition)
        if not findings:
            findings = await self._foreign(needed(definition), definition)
        if findings:
            first = findings[0]
            raise Unprocessable(
                "invalid_definition",
                f"{first.pointer}: {first.detail}" + (f" (and {len(findings) - 1} more)" if findings[1:] else ""),
                errors=field_errors(findings),
            )

    async def _foreign(self, wanted: Needed, definition: Definition) -> list[Finding]:
        """Ids of other services come by messages: one made a moment ago may not have arrived, so we wait a little."""
        deadline = asyncio.get_running_loop().time() + self._settings.copy_wait_seconds
        while True:
            async with self._kit.db.read() as tx:
                channels = await self._templates.channels(tx, wanted.messages)
                templates = await _known(tx, "coupon_template", wanted.templates)
                segments = await _known(tx, "segment", wanted.segments)
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
        return findings + await self._sends(definition, channels)

    async def _sends(self, definition: Definition, channels: dict[str, tuple[str, bool]]) -> list[Finding]:
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


async def _known(tx: Transaction, kind: str, wanted: Any) -> list[str]:
    chosen = (KNOWN.c.kind == kind) & KNOWN.c.id.in_(sorted(wanted)) & KNOWN.c.status.not_in(GONE)
    return list((await tx.execute(select(KNOWN.c.id).where(chosen))).scalars())
