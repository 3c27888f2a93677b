"""Attack 48: URLs that lead into our own network, or that nothing can be made of. They get a problem document, never a 500."""

import asyncio
import socket
import threading
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

import pytest
from api.gateway.conftest import RunGateway
from hypothesis import given
from hypothesis import strategies as st
from kit.gateway import Suite
from kit.upstream import RawServer, read_request

from shared.http import EgressClient, EgressRefused, check_url
from shared.internet import is_public

# fmt: off
# https://www.iana.org/assignments/iana-ipv4-special-registry and its twin for IPv6, November 2026, every line.
REGISTRY = (
    "0.0.0.0/8", "0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.9/32", "192.0.0.10/32", "192.0.0.170/32",
    "192.0.0.171/32", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.88.99.2/32",
    "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
    "255.255.255.255/32", "224.0.0.0/4", "::1/128", "::", "::ffff:127.0.0.0/104", "64:ff9b:1::/48", "100::/64",
    "100:0:0:1::/64", "2001::/23", "2001::/32", "2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:2::/48",
    "2001:3::/32", "2001:4:112::/48", "2001:10::/28", "2001:20::/28", "2001:30::/28", "2001:db8::/32", "2002::/16",
    "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)
# fmt: on
NETWORKS = [IPv6Network(text) if ":" in text else IPv4Network(text) for text in REGISTRY]
ODD = [
    "https://xn--a",
    "https://xn--a.example/",
    "https://xn--/",
    "https://xn--zz--a/",
    "https://[::1%25lo]/",
    "https://[fe80::1%25eth0]/",
    "https://a..b/",
    "https://.example.com/",
    "https://-a.example/",
    f"https://{'a' * 300}/",
    f"https://{'.'.join(['a' * 60] * 6)}/",
    "https://example.com:0/",
    "https://example.com:-1/",
    "https://example.com:99999/",
    "https://example.com\\@10.0.0.1/",
    "https://example.com%00@10.0.0.1/",
    "https://:@example.com/",
    "https://127。0。0。1/",
    "https://１２７.0.0.1/",
    "https://192.0.0.9/",
    "https://[64:ff9b:1::808:808]/",
    "https://[v1.x]/",
]
urls = st.one_of(
    st.text(max_size=60).map(lambda text: f"https://{text}/"),
    st.text(max_size=60),
    st.from_regex(r"https://(xn--)?[a-z0-9.:%\[\]@-]{0,40}(:[0-9+-]{0,7})?/?", fullmatch=True),
)


@given(urls, st.booleans())
def test_a_url_passes_or_is_refused(url: str, allow_private: bool) -> None:
    with suppress(EgressRefused):
        check_url(url, allow_private=allow_private)


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_no_special_purpose_network_is_the_internet(network: IPv4Network | IPv6Network) -> None:
    for address in (network[0], network[-1], network[network.num_addresses // 2]):
        assert not is_public(address)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**128 - 1), st.sampled_from(NETWORKS))
def test_no_address_of_such_a_network_is(four: int, six: int, network: IPv4Network | IPv6Network) -> None:
    for address in (IPv4Address(four), IPv6Address(six)):
        if is_public(address):
            assert not any(address in one for one in NETWORKS if one.version == address.version)
    inside = network[six % network.num_addresses]
    assert not is_public(inside)


@pytest.fixture
async def strict(run_gateway: RunGateway) -> Suite:
    return await run_gateway(webhooks_allow_private=False)


async def test_an_odd_url_is_a_problem_document(strict: Suite) -> None:
    client = strict.client()
    for url in [*ODD, "https://" + "é" * 300 + ".example/", "https://example.com:٤٤٤/"]:
        answered = await client.post("/v1/webhook-endpoints", json={"url": url, "events": ["*"]})
        assert answered.status_code == 422, (url, answered.text)
        assert answered.headers["content-type"] == "application/problem+json"
        assert answered.json()["errors"][0]["pointer"] == "#/url"
        assert answered.json()["request_id"]


async def test_a_name_that_leads_elsewhere_the_second_time_is_connected_to_what_was_checked() -> None:
    """Public when it is registered, ours when it is called: refused then. Nothing asks for a name twice in one call."""
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["8.8.8.8"] if len(asked) == 1 else ["64:ff9b:1::a00:1"]

    async with EgressClient(resolver=rebinding) as client:
        await client.check("https://rebinding.example/")
        with pytest.raises(EgressRefused):
            await client.post("https://rebinding.example/", headers={}, content=b"{}")
    assert len(asked) == 2


async def test_names_that_nobody_answers_for_keep_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A partner's own name server can be silent: then the system's resolver takes half a minute in a thread."""
    over, real = threading.Event(), socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if str(host).endswith(".silent.example"):
            over.wait(30)
            raise socket.gaierror("no answer")
        return real(host, *args, **kwargs)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    server = RawServer(serve)
    async with server.running(), EgressClient(allow_private=True, connect_seconds=0.05, total_seconds=10) as client:
        url = f"http://localhost:{server.port}/"
        await asyncio.gather(*(client.check(f"https://c{number}.silent.example/") for number in range(100)))
        dead = [
            asyncio.create_task(client.post(f"https://d{number}.silent.example/", headers={}, content=b""))
            for number in range(100)
        ]
        await asyncio.sleep(0.1)
        async with asyncio.timeout(5):
            assert (await client.post(url, headers={}, content=b"")).status == 204
            await client.check(url)
        over.set()
        await asyncio.gather(*dead, return_exceptions=True)
