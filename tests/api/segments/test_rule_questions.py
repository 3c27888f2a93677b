"""The journey service asks by message whether a rule holds for one customer now."""

from typing import Any

from shared.contracts import RuleAsked


async def ask(segments: Any, reference: str, customer: str, rule: Any) -> dict[str, Any]:
    kit = segments.running.service.kit
    async with kit.db.write() as tx:
        await kit.outbox.publish(tx, [RuleAsked(reference=reference, customer_id=customer, rule=rule)])
    answers = await segments.messages("rule.evaluated")
    found: dict[str, Any] = answers[-1]
    assert found["reference"] == reference
    return found


async def test_a_question_is_answered_with_reasons(segments: Any) -> None:
    city = await segments.segment({"trait": "city", "op": "eq", "value": "上海"})
    await segments.identify("c1", city="上海")
    await segments.track("c1", "Product Added")
    rule = {"all": [{"segment": city}, {"event": "Product Added", "within": {"last": "1h"}}]}
    yes = await ask(segments, "r1", "c1", rule)
    assert (yes["matches"], yes["error"], [one["holds"] for one in yes["because"]]) == (True, None, [True, True])
    segments.clock.advance(seconds=3600)
    assert (await ask(segments, "r2", "c1", rule))["matches"] is False


async def test_what_can_not_be_evaluated_matches_nothing_and_says_why(segments: Any) -> None:
    await segments.identify("c1", a=1)
    for reference, customer, rule, word in (
        ("r1", "c1", {"tag": "vip", "op": "exists"}, "tag"),
        ("r2", "c1", {"segment": "seg_none"}, "seg_none"),
        ("r3", "nobody", {"trait": "a", "op": "exists"}, "nobody"),
    ):
        answer = await ask(segments, reference, customer, rule)
        assert (answer["matches"], word in answer["error"]) == (False, True)
