"""The route table and the paths that it may be asked about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.paths import LONGEST, OddPath, check_path
from gateway.route_table import RouteTable
from gateway.routes import ROUTES, Route

TABLE = RouteTable(
    [
        Route("GET", "/v1/segments/{segment_id}", "s:s:read", "segments"),
        Route("POST", "/v1/segments/preview", "s:p:write", "segments"),
        Route("GET", "/v1/segments/{segment_id}/members", "s:m:read", "segments"),
        Route("GET", "/v1/segments/preview/samples", "s:p:read", "segments"),
        Route("GET", "/", "", "gateway"),
    ]
)


def template(method: str, path: str) -> str | frozenset[str]:
    found = TABLE.match(method, path)
    return found.template if isinstance(found, Route) else found


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v1/segments/seg_1", "/v1/segments/{segment_id}"),
        ("POST", "/v1/segments/preview", "/v1/segments/preview"),
        ("GET", "/v1/segments/preview", "/v1/segments/{segment_id}"),
        ("GET", "/v1/segments/preview/members", "/v1/segments/{segment_id}/members"),
        ("GET", "/v1/segments/preview/samples", "/v1/segments/preview/samples"),
        ("GET", "/", "/"),
        ("HEAD", "/v1/segments/seg_1", "/v1/segments/{segment_id}"),
        ("HEAD", "/v1/segments", frozenset()),
        ("POST", "/v1/segments/seg_1", frozenset({"GET", "HEAD"})),
        ("DELETE", "/v1/segments/preview", frozenset({"GET", "HEAD", "POST"})),
        ("GET", "/v1/segments", frozenset()),
        ("GET", "/v1/segments/", frozenset()),
        ("GET", "/v1/segments//members", frozenset()),
        ("GET", "/V1/segments/seg_1", frozenset()),
        ("GET", "/v1/segments;x/seg_1", frozenset()),
        ("GET", "/v1/segments/seg_1/", frozenset()),
        ("GET", "", frozenset()),
    ],
)
def test_matching(method: str, path: str, expected: str | frozenset[str]) -> None:
    assert template(method, path) == expected


def test_two_lines_for_one_operation_are_refused() -> None:
    with pytest.raises(ValueError, match="two routes"):
        RouteTable([Route("GET", "/a/{x}", "", "a"), Route("GET", "/a/{y}", "", "b")])


def test_the_real_table_can_be_built_and_names_its_scopes() -> None:
    for route in RouteTable(ROUTES).routes:
        assert route.template.startswith("/")
        assert route.scope == "" or route.scope.count(":") == 2
        assert not (route.scope and route.webhook_in), "a key, or a signature"
        strangers = route.webhook_in or route.own_pages
        assert route.scope or strangers or not route.template.startswith("/v1/"), "nothing else under /v1 is public"


@pytest.mark.parametrize(
    "raw",
    [
        b"/v1/../admin",
        b"/v1/.",
        b"/v1/./keys",
        b"/v1/%2e%2e/keys",
        b"/v1/%2E/keys",
        b"/v1//keys",
        b"//v1/keys",
        b"/v1/keys%2fkey_1",
        b"/v1/keys%2Fkey_1",
        b"/v1/keys%5cx",
        b"/v1\\keys",
        b"/v1/keys%00",
        b"/v1/keys%0a",
        b"/v1/%6beys",
        b"/v1/keys/%252e%252e",
        b"/v1/keys/%252f",
        b"/v1/keys/%2",
        b"/v1/keys/%zz",
        b"/v1/keys/%ff",
        b"/v1/keys/%c0%ae",
        b"/v1/keys/\xe4\xbc\x98",
        b"/v1/keys x",
        b"/v1/keys\x00",
        b"/v1/keys#x",
        b"http://other/v1/keys",
        b"v1/keys",
        b"",
        b"*",
        b"/" + b"a" * LONGEST,
    ],
)
def test_odd_paths_are_refused(raw: bytes) -> None:
    with pytest.raises(OddPath):
        check_path(raw)


@pytest.mark.parametrize(
    "raw",
    [b"/", b"/v1/keys", b"/v1/customers/%E6%9D%8E/inbox", b"/v1/a/b%40c.d", b"/v1/..a/a..", b"/v1/x%2Cy", b"/v1/keys/"],
)
def test_plain_paths_pass_unchanged(raw: bytes) -> None:
    assert check_path(raw).encode() == raw


@given(st.binary(max_size=60))
def test_whatever_passes_has_one_meaning(tail: bytes) -> None:
    from urllib.parse import unquote

    try:
        path = check_path(b"/" + tail)
    except OddPath:
        return
    decoded = unquote(path, errors="strict")
    assert decoded.count("/") == path.count("/")
    assert not {"\\", "\x00"} & set(decoded)
    assert not {".", ".."} & set(decoded.split("/"))
    assert "%2" not in decoded
