"""Is this installation safe to put before strangers? One list of checks over its settings and its data folder.

`quanyu doctor` asks them. A check answers None where all is well, and else what is wrong and what to do about it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from gateway.settings import GatewaySettings
from shared import private_files
from shared.language import say
from suite.diagnosis import Diagnosis, Group, Verdict
from suite.door.limits import connections_within, raise_descriptors
from suite.settings import SuiteSettings

MANY_CONNECTIONS = 1_000


@dataclass(frozen=True, slots=True)
class Installation:
    """What the checks look at. `url` is where callers find the suite, `short` says which database connections are missing."""

    suite: SuiteSettings
    gateway: GatewaySettings
    url: str
    short: tuple[str, ...] = ()

    @property
    def in_production(self) -> bool:
        """True when somebody said so."""
        return self.suite.environment == "production"


@dataclass(frozen=True, slots=True)
class Finding:
    """`sentence` says what is wrong and what to do. `bad`: the doctor fails; else it is a note."""

    sentence: str
    bad: bool = False


Check = Callable[[Installation], Finding | None]


def private_data(installation: Installation) -> Finding | None:
    """What the data folder holds, keys and customers' data, is read by nobody else on the machine."""
    folder = installation.suite.data_dir
    ours = [file for file in sorted(folder.glob("*")) if file.name.endswith(private_files.OURS)]
    bad = [file.name for file in ours if private_files.open_to_others(file)]
    if bad:
        files = ", ".join(bad)
        sentence = say(
            f"Others on this machine may read {files} in {folder}: chmod -R go= {folder}",
            f"本机其他用户可以读取 {folder} 中的 {files}：chmod -R go= {folder}",
        )
        return Finding(sentence, bad=True)
    if private_files.open_to_others(folder):
        sentence = say(
            f"Others on this machine may look into the data folder: chmod go= {folder}",
            f"本机其他用户可以查看数据目录：chmod go= {folder}",
        )
        return Finding(sentence, bad=installation.in_production)
    return None


def given_administrator_key(installation: Installation) -> Finding | None:
    """In production the administrator's key comes from a store of secrets: a generated one lies in a file."""
    file = installation.gateway.data_dir / "admin.key"
    if not installation.in_production or installation.gateway.admin_key is not None or not file.exists():
        return None
    return Finding(
        say(
            f"The administrator's key is the generated one, and lies in {file}. "
            "Set QUANYU_ADMIN_KEY, restart the gateway and remove the file.",
            f"管理员密钥是自动生成的，位于 {file}。请设置 QUANYU_ADMIN_KEY，重启网关并删除该文件。",
        )
    )


def encrypted_way(installation: Installation) -> Finding | None:
    """A key never crosses a network that others share in clear."""
    parts = urlsplit(installation.url)
    host = parts.hostname or ""
    if parts.scheme == "https" or _near(host):
        return None
    return Finding(
        say(
            f"Keys travel to {host} unencrypted. Put TLS in front (docs/behind-a-proxy.md) and use https.",
            f"密钥以明文发往 {host}。请在前面加上 TLS（docs/behind-a-proxy.zh-CN.md）并使用 https。",
        ),
        bad=True,
    )


def _near(host: str) -> bool:
    """This machine, a private network, or a name that only such a network knows."""
    try:
        address = ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".internal", ".local"))
    return address.is_private


def door_behind_a_proxy(installation: Installation) -> Finding | None:
    """Who listens to everybody has a proxy in front, which ends TLS and says who is calling."""
    listening = installation.suite.host in ("0.0.0.0", "::")  # noqa: S104 - asked for, not chosen
    if not installation.in_production or not listening or installation.gateway.trusted_proxies:
        return None
    return Finding(
        say(
            "The gateway listens on every address and trusts no proxy: behind one, every caller seems to have its address. "
            "Set QUANYU_TRUSTED_PROXIES to the proxy's network (docs/behind-a-proxy.md).",
            "网关监听所有地址，但不信任任何代理：在代理之后，所有调用者看起来都来自代理的地址。"
            "请将 QUANYU_TRUSTED_PROXIES 设为代理所在的网络（docs/behind-a-proxy.zh-CN.md）。",
        )
    )


def webhooks_stay_outside(installation: Installation) -> Finding | None:
    """Whoever may register a webhook endpoint does not reach our own network by it."""
    if not installation.gateway.webhooks_allow_private:
        return None
    return Finding(
        say(
            "Webhooks may go to every private address, so whoever registers one reaches your own network. Name the addresses "
            "that are meant with QUANYU_WEBHOOKS_ALLOWED_PRIVATE instead of QUANYU_WEBHOOKS_ALLOW_PRIVATE: "
            "production refuses to start with it.",
            "回调可以发往任何内网地址，注册回调的人因此能触及您的内网。请用 QUANYU_WEBHOOKS_ALLOWED_PRIVATE 列出允许的地址，"
            "代替 QUANYU_WEBHOOKS_ALLOW_PRIVATE：生产环境设置后者将拒绝启动。",
        )
    )


def enough_descriptors(installation: Installation) -> Finding | None:
    """This user may open the files that callers' connections are, besides those of databases and parts."""
    descriptors = raise_descriptors()
    connections = connections_within(descriptors, installation.suite.open_connections)
    if connections >= (installation.suite.open_connections or MANY_CONNECTIONS):
        return None
    return Finding(
        say(
            f"This user may open {descriptors} files, so {connections:,} callers can be connected at once. "
            "Give the gateway's more: LimitNOFILE=65536, or `ulimit -n`.",
            f"当前用户最多打开 {descriptors} 个文件，因此同时最多连接 {connections:,} 个调用者。"
            "请给网关更多：LimitNOFILE=65536，或 `ulimit -n`。",
        )
    )


def enough_database_connections(installation: Installation) -> Finding | None:
    """The database servers let in as many connections as one whole suite may open, besides those of others."""
    return Finding(" ".join(installation.short)) if installation.short else None


def figures_within_reach(installation: Installation) -> Finding | None:
    """In production somebody looks at the gateway's figures, and has a way to them."""
    if not installation.in_production or installation.suite.metrics_port or installation.gateway.metrics_public:
        return None
    return Finding(
        say(
            "Nothing serves the gateway's metrics. Set QUANYU_METRICS_PORT, a port for Prometheus that the world does not reach "
            "(docs/metrics.md).",
            "网关的监控指标没有出口。请设 QUANYU_METRICS_PORT：供 Prometheus 使用、外网访问不到的端口（docs/metrics.zh-CN.md）。",
        )
    )


CHECKS: Mapping[Check, str] = {
    private_data: say("nobody else on this machine reads the data folder", "本机其他用户读不到数据目录"),
    given_administrator_key: say(
        "the administrator's key was given, or this is no production", "管理员密钥由外部给定，或这里不是生产环境"
    ),
    encrypted_way: say("keys cross no foreign network in clear", "密钥不以明文经过外部网络"),
    door_behind_a_proxy: say("the gateway knows its proxy, or needs none", "网关认得它的代理，或不需要代理"),
    webhooks_stay_outside: say("webhooks do not reach all private addresses", "回调到不了全部内网地址"),
    enough_descriptors: say("enough files may be opened for callers", "可打开的文件数足够"),
    enough_database_connections: say("the database servers have enough connections left", "数据库服务器的连接数足够"),
    figures_within_reach: say("Prometheus has a way to the metrics", "Prometheus 取得到指标"),
}
"""Each with what is so where it finds nothing."""


def diagnoses(installation: Installation) -> Iterator[Diagnosis]:
    """What each check finds, in their order."""
    for check, well in CHECKS.items():
        found = check(installation)
        if found is None:
            yield Diagnosis(Group.SAFE, check.__name__, Verdict.OK, well)
        else:
            yield Diagnosis(Group.SAFE, check.__name__, Verdict.FAIL if found.bad else Verdict.WARN, found.sentence)
