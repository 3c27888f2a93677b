"""Makes the pages of metrics: each metric that the code registers, in both languages, with the alerts that are made of it."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from prometheus_client.metrics import MetricWrapperBase

import gateway.metrics
import shared.observability.metrics
import suite.door.connections

_MODULES = (gateway.metrics, shared.observability.metrics, suite.door.connections)
ALERTS = Path(__file__).parents[2] / "deploy/prometheus/alerts.yml"
NAME = re.compile(r"\bquanyu_[a-z_]+")
_SUFFIX = re.compile(r"_(bucket|sum|count|created)$")
CHINESE = {
    "quanyu_check_state": "就绪检查的结果：0 正常，1 降级，2 不可用；上次查看 /readyz 或本页时得出",
    "quanyu_database_connections_allowed": "该部分可用的数据库连接数",
    "quanyu_database_connections_in_use": "正占用连接的事务数",
    "quanyu_database_cut_total": "因未及时应答而被切断的数据库连接数",
    "quanyu_database_full_total": "数据库服务器没有多余连接给该部分的次数",
    "quanyu_database_in_trouble": "该部分的数据库无响应、已满或不可写时为 1",
    "quanyu_database_refused_total": "等连接未果的事务数",
    "quanyu_database_waiting": "正在等连接的事务数",
    "quanyu_disk_free_bytes": "该目录所在磁盘的可用空间",
    "quanyu_disk_size_bytes": "该磁盘的大小",
    "quanyu_door_connections": "调用方当前的连接数",
    "quanyu_door_refused_total": "服务器自己拒绝、断开或请出的连接数",
    "quanyu_figures_failed_total": "未能及时取得、因而不显示的指标次数",
    "quanyu_gateway_capacity": "同时可处理的请求数上限，按请求用时自动调整；suite 指同一进程里的全部部分",
    "quanyu_gateway_forwarded_untrusted_total": "带转发地址、却不来自可信代理的请求数",
    "quanyu_gateway_key_checks_total": "按原因统计的密钥拒绝次数",
    "quanyu_gateway_key_lookups_total": "密钥缓存：在内存中找到（hit），或先去问了数据库（miss）",
    "quanyu_gateway_limit_store_failures_total": "Redis 没有给出限流判定的次数",
    "quanyu_gateway_limited_total": "被限流拒绝的请求数",
    "quanyu_gateway_replicas": "同一数据库上的网关数；没有 Redis 时它们平分限额",
    "quanyu_gateway_request_duration_seconds": "公网入口处一个请求的用时，按路由模板",
    "quanyu_gateway_shed_total": "因过载而被要求稍后再来的请求数，按优先级",
    "quanyu_gateway_sign_ins_total": "运营人员的登录次数，按结果",
    "quanyu_gateway_upstream_connections": "到服务某个实例的连接数",
    "quanyu_gateway_upstream_failures_total": "服务未能应答的请求数",
    "quanyu_gateway_upstream_retries_total": "换新连接重发的请求数",
    "quanyu_gateway_upstream_state": "服务某个实例的状态：0 正常，1 有其他实例时不用，2 放行一个请求试探，3 已熔断",
    "quanyu_group_commit_batch_size": "合并进同一个事务的请求数",
    "quanyu_http_request_duration_seconds": "从请求的第一个字节到应答的最后一个字节",
    "quanyu_loop_behind_seconds": "后台循环做不完或一直失败已有多久；跟得上时为 0",
    "quanyu_loop_failures_total": "后台循环失败的轮数",
    "quanyu_loop_last_success_timestamp_seconds": "后台循环上次成功结束的时刻",
    "quanyu_message_age_seconds": "从事情发生到消费者处理完消息的时间，取每批最老的一条",
    "quanyu_messages_handled_total": "按结果统计的消息数",
    "quanyu_outbox_oldest_seconds": "发件箱里最老的一包已等了多久",
    "quanyu_outbox_published_total": "已交给消息总线的包数",
    "quanyu_outbox_relay_failures_total": "消息总线不收包的次数",
    "quanyu_outbox_waiting": "发件箱里等待发出的包数；10000 表示不少于此数",
    "quanyu_queue_parked": "重试用尽后被搁置的包数",
    "quanyu_queue_waiting": "等消费者处理的包数",
    "quanyu_webhook_endpoints": "回调接收端的数量：正常、上次成功之后在失败、已停用",
    "quanyu_webhooks_in_received_total": "签名正确的合作方投递，按结果",
    "quanyu_webhooks_in_unproven_total": "陌生人的投递，或签名错误、过期",
    "quanyu_webhooks_out_attempt_duration_seconds": "一次回调发送的用时",
    "quanyu_webhooks_out_attempts_total": "按结果统计的回调发送次数",
    "quanyu_webhooks_out_oldest_seconds": "已启用的接收端尚未收到的最老事件的年龄",
    "quanyu_webhooks_out_overdue_seconds": "本该最先发送的回调已迟了多久",
}


class Metric(NamedTuple):
    """One that the code registers. `name` as queries write it; histograms have `_bucket`, `_sum` and `_count` of it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


@cache
def metrics() -> tuple[Metric, ...]:
    """Every metric of ours, by name."""
    found = [one for module in _MODULES for one in vars(module).values() if isinstance(one, MetricWrapperBase)]
    made = [
        Metric(
            f"{one._name}_total" if one._type == "counter" else one._name,
            str(one._type),
            one._labelnames,
            one._documentation,
        )
        for one in found
    ]
    return tuple(sorted(made))


def alerts() -> list[dict[str, Any]]:
    """The alert rules that are shipped."""
    import yaml

    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def named_in(query: str) -> set[str]:
    """The metrics of ours that a query asks for, by the names under which they are listed."""
    listed = {metric.name for metric in metrics()}
    return {name if name in listed else _SUFFIX.sub("", name) for name in NAME.findall(query)}


def english_page() -> str:
    """docs/metrics.md: the tables are made, what stands before them is written by hand."""
    heads = (
        "## Metrics\n\n| metric | kind | labels | meaning | alerts |",
        "## Alerts\n\n| alert | when | for | what is so |",
    )
    return _page("metrics.md", heads, {metric.name: metric.meaning for metric in metrics()}, "summary")


def chinese_page() -> str:
    """docs/metrics.zh-CN.md, likewise."""
    heads = "## 指标\n\n| 指标 | 类型 | 标签 | 含义 | 告警 |", "## 告警\n\n| 告警 | 条件 | 持续 | 说明 |"
    return _page("metrics.zh-CN.md", heads, CHINESE, "summary_zh")


def _page(name: str, heads: tuple[str, str], meanings: Mapping[str, str], summary: str) -> str:
    written = (ALERTS.parents[2] / "docs" / name).read_text().partition(heads[0].partition("\n")[0])[0]
    return written + "\n".join(_tables(heads, meanings, summary)) + "\n"


def _tables(heads: tuple[str, str], meanings: Mapping[str, str], summary: str) -> Iterator[str]:
    rules = alerts()
    yield f"{heads[0]}\n|---|---|---|---|---|"
    for metric in metrics():
        labels = ", ".join(f"`{label}`" for label in metric.labels) or "–"
        fire = ", ".join(f"`{rule['alert']}`" for rule in rules if metric.name in named_in(rule["expr"])) or "–"
        yield f"| `{metric.name}` | {metric.kind} | {labels} | {meanings.get(metric.name, '–')} | {fire} |"
    yield f"\n{heads[1]}\n|---|---|---|---|"
    for rule in rules:
        when = rule["expr"].replace("|", "\\|")
        said = re.sub(r"\{\{ \$labels\.(\w+) \}\}", r"*\1*", rule["annotations"][summary])
        yield f"| `{rule['alert']}` | `{when}` | {rule['for']} | {said} |"
