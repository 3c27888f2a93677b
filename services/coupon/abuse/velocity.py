"""How often is too often 频次: counted in the transaction of the coupons themselves, exactly, for any window.

A rule's log of a subject holds the instants of its last coupons, as many as the rule allows. The logs of a batch are locked
in one order before it is decided and written once after it; without rules nothing of this happens.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

import orjson

from services.coupon.abuse import repository
from services.coupon.abuse.cache import ControlsCache
from services.coupon.abuse.models import VelocityRule
from services.coupon.abuse.repository import LogKey
from services.coupon.abuse.rules import ACTIONS, admitted
from services.coupon.wishes import Granted, Wish
from shared.db import Transaction
from shared.service import Kit
from shared.web import Problem, TooManyRequests


@dataclass
class Tally:
    """The velocity of one batch of wishes while it is decided. `barred`: the refusals, by position."""

    keys: dict[int, list[tuple[VelocityRule, LogKey]]] = field(default_factory=dict)
    moments: dict[LogKey, list[int]] = field(default_factory=dict)
    barred: dict[int, Problem] = field(default_factory=dict)
    to_review: dict[int, list[tuple[VelocityRule, LogKey]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Excess:
    """A coupon that was given although it came too soon: its rule only asks for a review."""

    rule_id: str
    subject: str
    value: str
    coupon_id: str
    template_id: str
    customer_id: str


Report = Callable[[Transaction, Excess], Awaitable[None]]
"""Who is told of coupons that a person should look at."""


class Velocity:
    """Applies the rules to batches of wishes."""

    def __init__(self, kit: Kit, controls: ControlsCache, report: Report) -> None:
        self._kit = kit
        self._controls = controls
        self._report = report

    async def look(self, tx: Transaction, wishes: Sequence[Wish]) -> Tally | None:
        """Which wishes come too soon; None where no rule is concerned. Locks what it looks at."""
        rules = (await self._controls.current(tx)).rules
        if not rules:
            return None
        keys = {index: found for index, wish in enumerate(wishes) if (found := _concerned(rules, wish))}
        if not keys:
            return None
        tally = Tally(keys)
        tally.moments = await self._lock(tx, sorted({key for found in keys.values() for _, key in found}))
        now = _milliseconds(self._kit.clock.now())
        # As if all that pass were granted: who is refused later for another reason is not written down.
        assumed = {key: list(moments) for key, moments in tally.moments.items()}
        for index, found in keys.items():
            waits = {
                key: (rule, wait)
                for rule, key in found
                if (wait := admitted(assumed[key], now, rule.most, rule.window_seconds * 1000)) is not None
            }
            refused = [wait for rule, wait in waits.values() if rule.effect == "refuse"]
            if refused:
                tally.barred[index] = _exceeded(max(refused))
                continue
            if waits:
                tally.to_review[index] = [(rule, key) for key, (rule, _) in waits.items()]
            for _, key in found:
                assumed[key].append(now)
        return tally

    async def count(self, tx: Transaction, tally: Tally, wishes: Sequence[Wish], answers: dict[int, Any]) -> None:
        """Write down the coupons that were given, and report those over a rule that asks for review."""
        moment = self._kit.clock.now()
        now = _milliseconds(moment)
        rules: dict[LogKey, VelocityRule] = {}
        for index, found in tally.keys.items():
            if isinstance(answers[index], Granted):
                for rule, key in found:
                    rules[key] = rule
                    tally.moments[key].append(now)
        rows = [
            {
                "rule_id": key[0],
                "value": key[1],
                "moments": orjson.dumps(tally.moments[key][-rule.most :]).decode(),
                "expires_at": moment + timedelta(seconds=rule.window_seconds),
            }
            for key, rule in sorted(rules.items())
        ]
        await repository.update_logs(tx, rows)
        for index, found in tally.to_review.items():
            answer, wish = answers[index], wishes[index]
            if isinstance(answer, Granted):
                rule, (_, value) = found[0]
                await self._report(
                    tx,
                    Excess(rule.id, rule.subject, value, answer.coupon_id, wish.template_id, wish.customer_id),
                )

    async def _lock(self, tx: Transaction, keys: Sequence[LogKey]) -> dict[LogKey, list[int]]:
        """The moments of the logs, locked in the order of their keys; those that are new are made first."""
        logs = await repository.lock_logs(tx, keys)
        if len(logs) < len(keys):
            known = {(log.rule_id, log.value) for log in logs}
            await repository.insert_logs(tx, [key for key in keys if key not in known], self._kit.clock.now())
            logs = await repository.lock_logs(tx, keys)
        return {(log.rule_id, log.value): orjson.loads(log.moments) for log in logs}


def _concerned(rules: Sequence[VelocityRule], wish: Wish) -> list[tuple[VelocityRule, LogKey]]:
    """The rules that count this wish, each with its key."""
    action = ACTIONS.get(wish.source)
    if action is None:
        return []
    values = {"customer": wish.customer_id, "device": wish.origin.device, "address": wish.origin.address}
    return [
        (rule, (rule.id, value))
        for rule in rules
        if rule.action == action and (value := values[rule.subject]) is not None
    ]


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _exceeded(wait: int) -> TooManyRequests:
    seconds = max(ceil(wait / 1000), 1)
    return TooManyRequests(
        "velocity_exceeded",
        f"That was too often in a short time. Try again in {seconds} s.",
        headers={"Retry-After": str(seconds)},
        detail_zh=f"操作过于频繁，请 {seconds} 秒后再试。",
    )
