"""The identities of the journey service as queries: each answers the rows that break it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select

from services.journey.actions.models import EffectRow
from services.journey.definition.models import Journey
from services.journey.engine.history_repository import counted
from services.journey.engine.models import Enrolment, RunRow, StepLog, WaitRow
from services.journey.inbox.models import InboxMessage
from services.journey.run import LIVE
from shared.audit import Check

ALIVE = RunRow.c.state.in_(LIVE)


def checks(now: datetime, late: datetime) -> list[Check]:
    """`late`: what was due before this instant is stuck."""
    return [*_stuck(now, late), *_questions(late), *_waits(), *_counters(), *_ledgers()]


def _stuck(now: datetime, late: datetime) -> list[Check]:
    overdue = and_(ALIVE, RunRow.c.due_at < late)
    paused = exists().where(Journey.c.id == RunRow.c.journey_id, Journey.c.status == "paused")
    leased = RunRow.c.lease_until > now
    shown = (RunRow.c.id, RunRow.c.node_id, RunRow.c.due_at)
    return [
        Check(
            "no_run_waits_past_its_due_time",
            "every run in flight that is due is worked on, or its journey is paused",
            select(*shown).where(overdue, ~paused, or_(RunRow.c.lease_until.is_(None), ~leased)),
        ),
        Check(
            "only_paused_journeys_hold_runs",
            "a run is held back only while its journey is paused",
            select(*shown).where(overdue, RunRow.c.held, ~paused),
        ),
        Check(
            "no_message_is_planned_in_vain",
            "every planned or claimed message is tried when it is due",
            select(EffectRow.c.id, EffectRow.c.status).where(
                EffectRow.c.status.in_(("planned", "claimed")),
                or_(EffectRow.c.due_at.is_(None), EffectRow.c.due_at < late),
            ),
        ),
    ]


def _questions(late: datetime) -> list[Check]:
    asking = and_(
        RunRow.c.id == EffectRow.c.run_id, RunRow.c.node_id == EffectRow.c.node_id, RunRow.c.state == "waiting_answer"
    )
    return [
        Check(
            "every_waiting_run_has_asked",
            "a run that waits for an answer has its question in the ledger",
            select(RunRow.c.id, RunRow.c.node_id).where(
                RunRow.c.state == "waiting_answer", ~exists().where(asking, EffectRow.c.status == "asked")
            ),
        ),
        Check(
            "every_open_question_has_a_run",
            "a question without an answer belongs to a run that waits for it, or to one that ended first",
            select(EffectRow.c.id, EffectRow.c.run_id).where(
                EffectRow.c.status == "asked",
                EffectRow.c.created_at < late,
                ~exists().where(or_(asking, and_(RunRow.c.id == EffectRow.c.run_id, ~ALIVE))),
            ),
        ),
    ]


def _waits() -> list[Check]:
    mine = and_(WaitRow.c.run_id == RunRow.c.id, WaitRow.c.kind == "node", WaitRow.c.node_id == RunRow.c.node_id)
    began = and_(
        StepLog.c.run_id == RunRow.c.id, StepLog.c.node_id == RunRow.c.node_id, StepLog.c.at == RunRow.c.arrived_at
    )
    return [
        Check(
            "every_event_wait_belongs_to_a_run_in_flight",
            "waits of nodes and exits are gone when their run has moved on or ended",
            select(WaitRow.c.run_id, WaitRow.c.kind, WaitRow.c.node_id).where(
                WaitRow.c.kind != "goal",
                ~exists().where(
                    RunRow.c.id == WaitRow.c.run_id,
                    ALIVE,
                    or_(WaitRow.c.kind != "node", RunRow.c.node_id == WaitRow.c.node_id),
                ),
            ),
        ),
        Check(
            "every_event_wait_can_be_found",
            "a run whose last step began to wait for an event has a row by which that event finds it",
            select(RunRow.c.id, RunRow.c.node_id).where(
                RunRow.c.state == "waiting",
                exists().where(began, StepLog.c.reason == "waiting_event"),
                ~exists().where(mine),
            ),
        ),
    ]


def _counters() -> list[Check]:
    return [_edges_counted(), _runs_counted()]


def _edges_counted() -> Check:
    every = counted().subquery()
    edge = (StepLog.c.journey_id, StepLog.c.node_id, StepLog.c.port)
    logged = select(*edge, func.count().label("total")).where(StepLog.c.port.is_not(None)).group_by(*edge).subquery()
    keys = (every.c.journey_id, every.c.node_id, every.c.port)
    sums = (
        select(*keys, func.sum(every.c.count).label("total")).where(every.c.kind == "edge").group_by(*keys).subquery()
    )
    same = and_(*(logged.c[name] == sums.c[name] for name in ("journey_id", "node_id", "port")))
    return Check(
        "counters_equal_the_step_log",
        "every edge was counted exactly as often as the history shows it",
        select(logged.c.node_id, logged.c.port, logged.c.total, sums.c.total.label("counted"))
        .select_from(logged.outerjoin(sums, same, full=True))
        .where(func.coalesce(logged.c.total, 0) != func.coalesce(sums.c.total, 0)),
    )


def _runs_counted() -> Check:
    every = counted().subquery()

    def sums(kind: str) -> ColumnElement[Any]:
        return func.sum(case((every.c.kind == kind, every.c.count), else_=0)).label(kind)

    kinds = ("enter", "end", "goal")
    totals = select(every.c.journey_id, *(sums(kind) for kind in kinds)).group_by(every.c.journey_id).subquery()
    per = (
        select(
            RunRow.c.journey_id,
            func.count().label("enter"),
            func.sum(case((ALIVE, 0), else_=1)).label("end"),
            func.count(RunRow.c.goal_at).label("goal"),
        )
        .group_by(RunRow.c.journey_id)
        .subquery()
    )
    return Check(
        "counters_equal_the_runs",
        "as many runs entered, ended and reached their goal as were counted",
        select(per, *(totals.c[kind].label(f"counted_{kind}") for kind in kinds))
        .select_from(per.outerjoin(totals, per.c.journey_id == totals.c.journey_id))
        .where(or_(*(per.c[kind] != func.coalesce(totals.c[kind], 0) for kind in kinds))),
    )


def _ledgers() -> list[Check]:
    history = select(func.count()).where(StepLog.c.run_id == RunRow.c.id).scalar_subquery()
    entered = (
        select(func.count())
        .where(RunRow.c.journey_id == Enrolment.c.journey_id, RunRow.c.customer_id == Enrolment.c.customer_id)
        .scalar_subquery()
    )
    delivered = exists().where(InboxMessage.c.id == EffectRow.c.id)
    inbox = and_(EffectRow.c.kind == "message", EffectRow.c.channel == "inbox", EffectRow.c.status == "sent")
    return [
        Check(
            "histories_are_complete",
            "a run has as many lines of history as it made steps",
            select(RunRow.c.id, RunRow.c.steps).where(RunRow.c.steps != history),
        ),
        Check(
            "enrolments_equal_the_runs",
            "a customer has as many runs of a journey as entries",
            select(Enrolment.c.journey_id, Enrolment.c.customer_id, Enrolment.c.entries).where(
                Enrolment.c.entry_key == literal(""), Enrolment.c.entries != entered
            ),
        ),
        Check(
            "sent_means_delivered",
            "every inbox message that counts as sent lies in an inbox",
            select(EffectRow.c.id, EffectRow.c.run_id).where(inbox, ~delivered),
        ),
    ]
