"""The nginx example says what the gateway's own limits say. It is compared here; docs/behind-a-proxy.md says what was run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gateway.proxy.headers import MOST_BYTES
from gateway.proxy.paths import LONGEST
from gateway.routes import MEBIBYTE, ROUTES
from gateway.settings import GatewaySettings

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "deploy/nginx.conf").read_text()
_TOKEN = re.compile(r"""#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{};]|[^\s{};]+""")
_UNITS = {"k": 1024, "m": MEBIBYTE}


@dataclass
class Directive:
    """One directive of the file, perhaps with a block."""

    words: list[str]
    block: list["Directive"] = field(default_factory=list)

    def all(self, *names: str) -> Iterator["Directive"]:
        """The directives that begin with these words, however deep."""
        for one in self.block:
            if tuple(one.words[: len(names)]) == names:
                yield one
            yield from one.all(*names)

    def value(self, *names: str) -> str:
        """What follows these words, where they stand once in this block itself."""
        (found,) = (one for one in self.block if tuple(one.words[: len(names)]) == names)
        return " ".join(found.words[len(names) :])


def parse(text: str) -> Directive:
    """The file as a tree."""
    stack: list[Directive] = [Directive([])]
    words: list[str] = []
    for token in _TOKEN.findall(text):
        match token:
            case "{":
                stack[-1].block.append(Directive(words))
                stack.append(stack[-1].block[-1])
            case ";":
                stack[-1].block.append(Directive(words))
            case "}":
                stack.pop()
            case _ if token.startswith("#"):
                continue
            case _:
                words.append(token.strip("\"'"))
                continue
        words = []
    (root,) = stack
    return root


NGINX = parse(TEXT)
(HTTP,) = NGINX.all("http")
SERVERS = [one for one in HTTP.all("server") if one.block]
(SERVER,) = (one for one in SERVERS if any(one.all("proxy_pass")))
MAPS = {one.words[2]: {line.words[0]: line.words[-1] for line in one.block} for one in HTTP.all("map")}


def size(text: str) -> int:
    return int(text[:-1]) * _UNITS[text[-1]]


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


def test_a_body_may_be_as_large_as_the_gateway_takes_it() -> None:
    paths = {route: re.sub(r"{\w+}", "x", route.template) for route in ROUTES}
    assert {route: size(body_size(path)) for route, path in paths.items()} == {r: r.body_limit for r in ROUTES}


def body_size(path: str) -> str:
    for location in SERVER.all("location"):
        kind, pattern = location.words[1], location.words[-1]
        meant = (kind == "=" and pattern == path) or (kind == "~" and re.search(pattern, path))
        if meant and any(location.all("client_max_body_size")):
            return location.value("client_max_body_size")
    return HTTP.value("client_max_body_size")


def test_heads_are_capped_as_the_gateway_caps_them() -> None:
    count, each = HTTP.value("large_client_header_buffers").split()
    assert int(count) * size(each) == MOST_BYTES
    assert size(each) == LONGEST


def test_the_callers_address_is_written_never_appended() -> None:
    assert HTTP.value("proxy_set_header", "X-Forwarded-For") == "$remote_addr"
    assert "proxy_add_x_forwarded_for;" not in TEXT
    assert [one for server in SERVERS for one in server.all("proxy_set_header")] == []


def test_the_gateways_deadlines_come_first() -> None:
    gateway = GatewaySettings()
    (upstream,) = HTTP.all("upstream")
    assert seconds(upstream.value("keepalive_timeout")) <= gateway.upstream_idle_seconds
    assert seconds(HTTP.value("proxy_read_timeout")) > gateway.upstream_seconds


def test_the_raw_path_goes_on() -> None:
    assert {one.words[1] for one in SERVER.all("proxy_pass")} == {"http://gateway"}


def test_figures_are_closed() -> None:
    (metrics,) = (one for one in SERVER.all("location") if one.words[-1] == "/metrics")
    assert [one.words for one in metrics.block] == [["return", "404"]]


def test_every_error_of_its_own_is_a_problem_document() -> None:
    answered = {
        word.lstrip("=")
        for one in HTTP.all("error_page")
        for word in (one.words[-2:-1] if "=" in " ".join(one.words) else one.words[1:-1])
    }
    assert answered >= {"400", "404", "413", "414", "429", "431", "502", "503", "504"}
    for name in ("$problem_title", "$problem_code", "$problem_detail"):
        assert {*MAPS[name]} - {"default"} >= answered - {"500", "501"}
    for server in SERVERS:
        (location,) = (one for one in server.all("location") if one.words[-1] == "/_problem")
        assert location.value("default_type") == "application/problem+json"
        assert location.value("client_max_body_size") == "0"
        assert location.value("return") == "200 $problem"


def test_logs_hold_no_path_and_no_header() -> None:
    logged = set(re.findall(r"\$\w+", " ".join(HTTP.value("log_format").split())))
    assert not logged & {"$request", "$request_uri", "$uri", "$args", "$http_authorization", "$http_x_api_key"}
    assert NGINX.value("error_log").endswith(" crit")
