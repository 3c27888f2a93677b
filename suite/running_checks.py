"""The doctor's look at the suite that runs, over its API: readiness, webhook endpoints, the four audits, the audit log."""

from collections.abc import AsyncIterator
from typing import Any

from shared.language import say
from shared.messaging.bus import BLOCKED
from suite.audits import AUDITS, run_audits
from suite.client import Client
from suite.diagnosis import Diagnosis, Group, Verdict
from suite.errors import Stop

_VERDICTS = {"ok": Verdict.OK, "degraded": Verdict.WARN, "down": Verdict.FAIL}
_NAMED = 5


async def readiness(client: Client) -> list[Diagnosis]:
    """What `/readyz` says, for which nobody needs a key. Raises Stop where nobody answers."""
    return _readiness(*await client.status("/readyz"))


async def running(client: Client) -> AsyncIterator[Diagnosis]:
    """What a key may see besides. Raises Stop where nobody answers, or not as Quanyu does."""
    try:
        endpoints = await client.all("/v1/webhook-endpoints")
    except Stop as error:
        yield Diagnosis(Group.RUNNING, "webhook_endpoints", Verdict.FAIL, str(error))
    else:
        yield _endpoints(endpoints)
    for part, checks in (await run_audits(client)).items():
        bad = "; ".join(f"{check['name']}: {check['detail']}" for check in checks if not check["ok"])
        told = bad or say(f"{AUDITS[part]}: {len(checks)} checks hold", f"{AUDITS[part]}：{len(checks)} 项检查无误")
        yield Diagnosis(Group.CONSISTENT, part, Verdict.FAIL if bad else Verdict.OK, told)
    try:
        chain = await client.get("/v1/audit-log/verify")
    except Stop as error:
        yield Diagnosis(Group.CONSISTENT, "audit_log", Verdict.WARN, str(error))
    else:
        yield _chain(chain)


def _chain(chain: dict[str, Any]) -> Diagnosis:
    faults = "; ".join(f"{one['kind']} {one['seq']}: {one['detail']}" for one in chain["faults"][:_NAMED])
    if faults:
        told = say(f"the audit log is not what was written: {faults}", f"审计日志与当初所写不符：{faults}")
        return Diagnosis(Group.CONSISTENT, "audit_log", Verdict.FAIL, told)
    entries, seq, end = chain["entries"], chain["seq"], chain["hash"]
    told = say(
        f"audit log: {entries} entries, none missing or changed; it ends at {seq}, {end}",
        f"审计日志：{entries} 条，无缺失或改动；末尾为 {seq}，{end}",
    )
    return Diagnosis(Group.CONSISTENT, "audit_log", Verdict.OK, told)


def _readiness(status: int, document: Any) -> list[Diagnosis]:
    parts = document.get("parts", []) if isinstance(document, dict) else []
    found = [_part(one) for one in parts if one["state"] != "ok"]
    if status == 200:
        ready = say("every part is ready", "各部分均已就绪") if not found else say("calls are answered", "请求得到应答")
        return [Diagnosis(Group.RUNNING, "readiness", Verdict.OK, ready), *found]
    if any(one.verdict is Verdict.FAIL for one in found):
        return found
    reason = str(document.get("detail", document)) if isinstance(document, dict) else f"{status}"
    return [Diagnosis(Group.RUNNING, "readiness", Verdict.FAIL, reason), *found]


def _part(one: dict[str, Any]) -> Diagnosis:
    part, detail, since = one["part"], one["detail"], one["since"]
    told = say(f"{part}: {detail} (since {since})", f"{part}：{detail}（自 {since}）") + _remedy(detail)
    return Diagnosis(Group.RUNNING, f"{part}_{one['check']}".replace(" ", "_"), _VERDICTS[one["state"]], told)


def _remedy(detail: str) -> str:
    """What to do about what the bus says of itself."""
    if BLOCKED in detail:
        return say(
            ". Messages wait until its alarm ends: `rabbitmqctl status` names it; make room, or read the long queues",
            "。其告警解除前消息在等待：`rabbitmqctl status` 会指明告警；请腾出空间，或处理积压的队列",
        )
    if "RabbitMQ" in detail:
        return say(
            ". Calls are accepted and messages wait: look at the broker and the way to it",
            "。请求照常受理，消息在等待：请检查消息服务器及到它的网络",
        )
    return ""


def _endpoints(endpoints: list[dict[str, Any]]) -> Diagnosis:
    ill = [one for one in endpoints if one["status"] == "disabled" or one["failing_since"] is not None]
    if not ill:
        count = len(endpoints)
        well = say(f"{count} webhook endpoints, none fails", f"{count} 个回调接收端，均无失败")
        return Diagnosis(Group.RUNNING, "webhook_endpoints", Verdict.OK, well)
    named = ", ".join(f"{one['id']} ({one['disabled_reason'] or one['failing_since']})" for one in ill[:_NAMED])
    count = len(ill)
    told = say(
        f"{count} webhook endpoints fail or are disabled: {named}. See their deliveries; `PATCH` with enabled and replay: "
        "docs/runbook.md",
        f"{count} 个回调接收端失败或已停用：{named}。请看它们的投递记录；用 `PATCH` 启用并重放：docs/runbook.md",
    )
    return Diagnosis(Group.RUNNING, "webhook_endpoints", Verdict.WARN, told)
