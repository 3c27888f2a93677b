"""A tiny service built with the kit: what every part gets from it, on both databases."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import pytest
from conftest import RunService
from fastapi import APIRouter, Depends
from kit.services import RunningService
from sqlalchemy import insert, select
from sqlmodel import Field

from shared.batching import GroupCommit
from shared.clock import Clock, ManualClock
from shared.contracts import SegmentChanged
from shared.db import TableModel, Transaction, part_registry
from shared.messaging import Bus
from shared.service import Kit, Service
from shared.settings import ServiceSettings
from shared.web import (
    Body,
    Caller,
    Conflict,
    ExternalId,
    HotRequest,
    HotRoute,
    Page,
    PageParams,
    Provided,
    View,
    create_app,
    needs,
    page_of,
)


class Base(TableModel, registry=part_registry()):
    """Tables of the sample."""


class Note(Base, table=True):
    __tablename__ = "note"
    id: str = Field(primary_key=True)
    text: str


class NoteIn(Body):
    id: ExternalId
    text: str


class NoteView(View):
    id: str
    text: str


class SampleSettings(ServiceSettings, service="sample"):
    pass


class Writing:
    """The sample's use cases."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.group: GroupCommit[NoteIn, NoteView] = GroupCommit("notes", kit.db, self.write_all)

    async def write(self, body: NoteIn) -> NoteView:
        async with self.kit.db.write() as tx:
            if await tx.scalar(select(Note.c.id).where(Note.c.id == body.id)):
                raise Conflict("note_exists", "Choose another id.")
            await tx.run(insert(Note.table), {"id": body.id, "text": body.text})
            await self.kit.outbox.publish(
                tx, [SegmentChanged(segment_id=body.id, name_text=body.text, status="live", version_number=1)]
            )
            if body.text == "bug":
                raise RuntimeError("a bug after the write")
        return NoteView(id=body.id, text=body.text)

    async def write_all(self, tx: Transaction, notes: Sequence[NoteIn]) -> list[NoteView | Exception]:
        if any(note.text == "poison" for note in notes):
            raise ValueError("the whole batch fails")
        if any(note.text == "forgotten" for note in notes):
            return []  # a mistake in the work: it owes everybody an answer
        answers: list[NoteView | Exception] = []
        for note in notes:
            if note.text == "bad":
                answers.append(Conflict("bad_note", "Write something better."))
                continue
            await tx.run(insert(Note.table), {"id": note.id, "text": note.text})
            answers.append(NoteView(id=note.id, text=note.text))
        return answers


def create_service(settings: SampleSettings, bus: Bus, clock: Clock) -> Service:
    kit = Kit.create("sample", settings, bus, clock, base=Base, migrations="tests_have_none")
    writing = Writing(kit)
    router = APIRouter()
    use_case = Annotated[Writing, Provided(Writing)]
    write = Annotated[Caller, Depends(needs("sample:notes:write"))]
    read = Annotated[Caller, Depends(needs("sample:notes:read"))]

    @router.post("/v1/notes", status_code=201)
    async def create(caller: write, body: NoteIn, notes: use_case) -> NoteView:
        return await notes.write(body)

    @router.get("/v1/notes")
    async def many(caller: read, paging: PageParams, notes: use_case) -> Page[NoteView]:
        async with notes.kit.db.read() as tx:
            return await page_of(tx, Note, select(Note.table), Note.c.id, paging, NoteView.model_validate)

    async def hot(request: HotRequest[NoteIn]) -> NoteView:
        return await writing.group.submit(request.body)

    route = HotRoute(
        "POST", "/v1/hot-notes", "sample:notes:write", hot, "Write fast", body=NoteIn, answer=NoteView, status=201
    )
    app = create_app(kit, [router], [writing], [route])
    return Service(kit, app, resources=[writing.group.running])


@pytest.fixture
async def sample(run_service: RunService, monkeypatch: pytest.MonkeyPatch) -> RunningService:
    async def create_tables(service: Service) -> None:
        async with service.kit.db.connection() as connection, connection.begin():
            if service.kit.db.dialect == "postgresql":
                await connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS sample")
            await connection.run_sync(Base.metadata.create_all)

    async def nothing_pending(*_: Any) -> bool:
        return False

    monkeypatch.setattr(Service, "migrate", create_tables)
    monkeypatch.setattr("shared.database_look.pending", nothing_pending)
    return await run_service(create_service, SampleSettings)


async def test_a_stranger_is_refused_and_a_key_needs_the_scope(sample: RunningService) -> None:
    body = {"id": "1", "text": "x"}
    for path in ("/v1/notes", "/v1/hot-notes"):
        refused = await sample.stranger().post(path, json=body)
        assert (refused.status_code, refused.json()["code"]) == (401, "identity_missing")
        refused = await sample.client(["sample:notes:read"]).post(path, json=body)
        assert (refused.status_code, refused.json()["scope"]) == (403, "sample:notes:write")
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["x-request-id"] == refused.json()["request_id"]


async def test_wrong_fields_are_named(sample: RunningService) -> None:
    for path in ("/v1/notes", "/v1/hot-notes"):
        wrong = await sample.client().post(path, json={"id": "", "text": 5, "colour": "red"})
        assert wrong.status_code == 422
        assert {one["pointer"] for one in wrong.json()["errors"]} == {"#/id", "#/text", "#/colour"}
        broken = await sample.client().post(path, content=b'{"id": ', headers={"content-type": "application/json"})
        assert (broken.status_code, broken.json()["code"]) == (400, "malformed_json")
    wrong = await sample.client().get("/v1/notes?limit=1000")
    assert wrong.json()["errors"][0]["pointer"] == "?limit"


async def test_what_cannot_be_stored_is_no_server_error(sample: RunningService) -> None:
    for path in ("/v1/notes", "/v1/hot-notes"):
        answer = await sample.client().post(path, json={"id": f"nul{path}", "text": "a\x00b"})
        assert answer.status_code in (201, 422), answer.text
        raw = b'{"id": "s", "text": "\\ud800"}'
        answer = await sample.client().post(path, content=raw, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422), answer.text


async def test_unknown_paths_and_methods_are_problems(sample: RunningService) -> None:
    missing = await sample.client().get("/v1/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    wrong = await sample.client().delete("/v1/notes")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert "allow" in wrong.headers


async def test_a_bug_answers_nothing_but_its_request_id_and_changes_nothing(sample: RunningService) -> None:
    bug = await sample.client().post("/v1/notes", json={"id": "1", "text": "bug"})
    assert (bug.status_code, bug.json()["code"]) == (500, "internal_error")
    assert (await sample.client().get("/v1/notes")).json()["data"] == []
    await sample.drain()
    assert sample.recorder.envelopes == []


async def test_a_message_is_sent_with_the_state_it_tells_of(sample: RunningService) -> None:
    answer = await sample.client().post("/v1/notes", json={"id": "1", "text": "x"})
    await sample.drain()
    (envelope,) = sample.recorder.envelopes
    assert envelope.name == "segment.changed"
    assert envelope.correlation_id == answer.headers["x-request-id"]


async def test_pages_follow_the_cursor_and_refuse_a_forged_one(sample: RunningService) -> None:
    client = sample.client()
    for number in range(5):
        await client.post("/v1/notes", json={"id": f"n{number}", "text": "x"})
    first = (await client.get("/v1/notes?limit=2")).json()
    assert [one["id"] for one in first["data"]] == ["n4", "n3"]
    second = (await client.get(f"/v1/notes?limit=3&cursor={first['next_cursor']}")).json()
    assert [one["id"] for one in second["data"]] == ["n2", "n1", "n0"]
    assert second["has_more"] is False
    assert second["next_cursor"] is None
    forged = await client.get("/v1/notes?cursor=" + first["next_cursor"][:-2] + "AA")
    assert (forged.status_code, forged.json()["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize("path", ["/v1/notes", "/v1/hot-notes"])
async def test_an_idempotency_key_gives_the_first_answer_again(sample: RunningService, path: str) -> None:
    client = sample.client()
    headers = {"idempotency-key": '"k1"'}
    first = await client.post(path, json={"id": "1", "text": "x"}, headers=headers)
    again = await client.post(path, json={"id": "1", "text": "x"}, headers={"idempotency-key": "k1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    other = await client.post(path, json={"id": "2", "text": "x"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    stranger = await sample.client(owner_id="own_other").post(path, json={"id": "3", "text": "x"}, headers=headers)
    assert stranger.status_code == 201


async def test_fifty_parallel_calls_with_one_key_have_one_effect(sample: RunningService) -> None:
    client = sample.client()
    headers = {"idempotency-key": "k"}
    calls = [client.post("/v1/notes", json={"id": "1", "text": "x"}, headers=headers) for _ in range(50)]
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} <= {201, 409}
    fresh = [answer for answer in answers if answer.status_code == 201 and "idempotent-replayed" not in answer.headers]
    assert len(fresh) == 1
    await sample.drain()
    assert len(sample.recorder.envelopes) == 1


async def test_a_failed_call_may_be_tried_again_with_its_key(sample: RunningService, clock: ManualClock) -> None:
    client = sample.client()
    headers = {"idempotency-key": "k"}
    bug = await client.post("/v1/notes", json={"id": "1", "text": "bug"}, headers=headers)
    assert bug.status_code == 500
    again = await client.post("/v1/notes", json={"id": "1", "text": "bug"}, headers=headers)
    assert again.status_code == 500
    assert "idempotent-replayed" not in again.headers


async def test_a_call_whose_worker_died_is_taken_over_after_its_lease(
    sample: RunningService, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sample.client()
    headers = {"idempotency-key": "k"}
    body = {"id": "1", "text": "x"}

    async def dies(*_: Any) -> None:
        raise asyncio.CancelledError

    from shared.web.idempotency import IdempotencyMiddleware

    with monkeypatch.context() as patch:
        patch.setattr(IdempotencyMiddleware, "_perform", dies)
        with pytest.raises(asyncio.CancelledError):
            await client.post("/v1/notes", json=body, headers=headers)
    running = await client.post("/v1/notes", json=body, headers=headers)
    assert (running.status_code, running.json()["code"]) == (409, "idempotency_in_progress")
    clock.advance(seconds=31)
    assert (await client.post("/v1/notes", json=body, headers=headers)).status_code == 201


async def test_neighbours_in_a_batch_do_not_share_a_fate(sample: RunningService) -> None:
    client = sample.client()
    texts = ["good", "bad", "poison", "good", "forgotten"]
    calls = [client.post("/v1/hot-notes", json={"id": str(n), "text": text}) for n, text in enumerate(texts)]
    answers = await asyncio.wait_for(asyncio.gather(*calls), 30)
    assert [answer.status_code for answer in answers] == [201, 409, 500, 201, 500]
    assert (await client.post("/v1/hot-notes", json={"id": "later", "text": "good"})).status_code == 201


async def test_health_is_counted_by_its_route(sample: RunningService) -> None:
    client = sample.stranger()
    assert (await client.get("/healthz")).status_code == 200
    sample.service.drain()
    assert (await client.get("/readyz")).status_code == 503
    metrics = await client.get("/metrics")
    assert (
        'quanyu_http_request_duration_seconds_count{method="GET",route="/readyz",service="sample",status="503"}'
        in metrics.text
    )


async def test_the_document_lists_hot_routes_and_scopes(sample: RunningService) -> None:
    document = (await sample.stranger().get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    for path in ("/v1/notes", "/v1/hot-notes"):
        operation = document["paths"][path]["post"]
        assert operation["x-required-scope"] == "sample:notes:write"
        assert operation["responses"]["4XX"] == {"$ref": "#/components/responses/Problem"}
    assert "application/problem+json" in document["components"]["responses"]["Problem"]["content"]
