"""Egress: every known way to make our server call our own network is refused."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator

import pytest
from kit.upstream import RawServer, read_request

from shared.http import EgressClient, EgressFailed, EgressRefused, check_url
from shared.internet import is_public

PRIVATE = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "169.254.0.23",
    "100.100.100.200",
    "0.0.0.0",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "192.88.99.1",
    "198.18.0.1",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "ff02::1",
    "ff0e::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_the_internet(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "223.5.5.5", "2400:3200::1", "64:ff9b::808:808"])
def test_addresses_of_the_internet(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "//example.com/",
        "https://user:pw@example.com/",
        "https://user@example.com/",
        "https://example.com:22/",
        "https://example.com:8080/",
        "https:///hooks",
        "https://",
        "https://example.com./",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://127.0.0.1/",
        "https://exa mple.com/",
        "",
        "javascript:alert(1)",
        "https://[oops/",
    ],
)
def test_urls_refused_without_asking_the_network(url: str) -> None:
    with pytest.raises(EgressRefused):
        check_url(url)


@pytest.mark.parametrize("host", ["0x7f.1", "2130706433", "0177.0.0.1", "127.1", "localhost"])
async def test_odd_spellings_of_loopback_are_refused_after_resolving(host: str) -> None:
    async with EgressClient() as client:
        with pytest.raises(EgressRefused):
            await client.check(f"https://{host}/")


async def test_one_bad_address_among_good_ones_is_enough() -> None:
    async def both(host: str, port: int) -> list[str]:
        return ["8.8.8.8", "10.0.0.7"]

    async with EgressClient(resolver=both) as client:
        with pytest.raises(EgressRefused):
            await client.post("https://example.com/", headers={}, content=b"")


def answering(reply: bytes, seen: list[bytes] | None = None, drip: float = 0, then: bytes = b"") -> RawServer:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _ = await read_request(reader)
        if seen is not None:
            seen.append(head)
        writer.write(reply)
        while drip:
            writer.write(then)
            await writer.drain()
            await asyncio.sleep(drip)

    return RawServer(serve)


@pytest.fixture
async def client() -> AsyncIterator[EgressClient]:
    async with EgressClient(allow_private=True, total_seconds=0.5, answer_bytes=1000) as client:
        yield client


async def test_a_rebinding_resolver_is_asked_once() -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    server = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    async with server.running(), EgressClient(allow_private=True, resolver=rebinding) as client:
        url = f"http://hooks.example:{server.port}/in?x=1"
        answer = await client.post(url, headers={"a": "b"}, content=b"body")
    assert (answer.status, answer.body, asked) == (200, b"ok", ["hooks.example"])


async def test_the_name_stays_in_host_and_the_environment_is_ignored(
    client: EgressClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    seen: list[bytes] = []
    server = answering(b"HTTP/1.1 204 No Content\r\n\r\n", seen)
    async with server.running():
        answer = await client.post(f"http://localhost:{server.port}/a", headers={"x-a": "b"}, content=b"{}")
    assert answer.status == 204
    assert f"host: localhost:{server.port}\r\n".encode() in seen[0].lower()


async def test_a_redirect_is_an_answer_and_is_not_followed(client: EgressClient) -> None:
    seen: list[bytes] = []
    head = b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest\r\ncontent-length: 0\r\n"
    server = answering(head + b"set-cookie: a=b\r\n\r\n", seen)
    async with server.running():
        for _ in range(2):
            answer = await client.post(server.url, headers={}, content=b"")
            assert answer.status == 302
    assert len(seen) == 2
    assert b"cookie" not in seen[1].lower()


async def test_a_huge_answer_is_cut(client: EgressClient) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n"
    server = answering(head + b"x" * 500, drip=0.001, then=b"x" * 500)
    async with server.running():
        answer = await client.post(server.url, headers={}, content=b"")
    assert (answer.cut, len(answer.body)) == (True, 1000)


async def test_a_slow_drip_ends_at_the_deadline(client: EgressClient) -> None:
    server = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", drip=0.05, then=b"x")
    async with server.running():
        with pytest.raises(EgressFailed, match="within"):
            await client.post(server.url, headers={}, content=b"")


async def test_a_closed_port_and_a_broken_answer_are_failures(client: EgressClient) -> None:
    server = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
    async with server.running():
        with pytest.raises(EgressFailed):
            await client.post(server.url, headers={}, content=b"")
    with pytest.raises(EgressFailed, match="No connection"):
        await client.post(server.url, headers={}, content=b"")
