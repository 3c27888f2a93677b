"""What anybody may ask is cheap, however often it is asked: answered from memory, made once, known by its tag."""

import asyncio
import threading
import time
from statistics import median
from typing import Any

import pytest
from kit.gateway import Suite

from gateway.docs.merging import merge
from shared.db.migrate import pending
from shared.web.openapi import build

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

PAGES = ("/", "/docs", "/docs/static/swagger-ui.css", "/openapi.json", "/healthz", "/readyz", "/metrics")


class Counted:
    """A function that counts its calls."""

    def __init__(self, function: Any) -> None:
        self._function = function
        self.calls = 0

    def __call__(self, *args: Any, **more: Any) -> Any:
        self.calls += 1
        return self._function(*args, **more)


async def test_attack_27_every_public_page_costs_next_to_nothing(door: Suite) -> None:
    client = door.client(None)
    await asyncio.gather(*(client.get(page) for page in PAGES))
    await client.get("/readyz")
    for page in PAGES:
        taken = []
        for _ in range(20):
            began = time.process_time()
            assert (await client.get(page)).status_code == 200
            taken.append(time.process_time() - began)
        assert median(taken) < 0.01, page  # the client's own work included


async def test_attack_27_the_document_is_made_once_and_readiness_reads_no_migrations_again(
    door: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted_merge, counted_pending = Counted(merge), Counted(pending)
    monkeypatch.setattr("gateway.docs.documents.merge", counted_merge)
    monkeypatch.setattr("shared.database_look.pending", counted_pending)
    client = door.client(None)
    async with asyncio.timeout(60):
        while "x-missing-parts" in (await client.get("/openapi.json")).text:  # noqa: ASYNC110 - parts answer when they can
            await asyncio.sleep(0.5)
    made = counted_merge.calls
    documents = await asyncio.gather(*(client.get("/openapi.json") for _ in range(50)))
    assert len({document.content for document in documents}) == 1
    assert counted_merge.calls == made
    assert (await client.get("/readyz")).status_code == 200
    looked = counted_pending.calls
    await asyncio.sleep(1.1)
    assert {answer.status_code for answer in await asyncio.gather(*(client.get("/readyz") for _ in range(50)))} == {200}
    assert counted_pending.calls == looked


async def test_attack_27_who_asks_first_for_the_document_holds_up_nobody(
    door: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    makers: list[threading.Thread] = []

    def noted(function: Any) -> Any:
        def call(*args: Any) -> Any:
            makers.append(threading.current_thread())
            return function(*args)

        return call

    monkeypatch.setattr("shared.web.app.build", noted(build))
    monkeypatch.setattr("gateway.docs.documents.merge", noted(merge))
    assert (await door.client(None).get("/openapi.json")).status_code == 200
    assert makers
    assert threading.current_thread() not in makers


@pytest.mark.parametrize("page", ["/", "/docs", "/docs/static/swagger-ui.css", "/openapi.json", "/healthz"])
async def test_attack_27_who_has_a_page_is_told_that_nothing_changed(door: Suite, page: str) -> None:
    client = door.client(None)
    first = await client.get(page)
    for tags in (first.headers["etag"], f'"another", {first.headers["etag"]}', "*"):
        again = await client.get(page, headers={"if-none-match": tags})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (await client.get(page, headers={"if-none-match": '"another"'})).content == first.content
