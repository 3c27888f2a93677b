"""The identities of the journey service as queries: each answers the rows that break it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select

from services.journey.actions.repository import EFFECT
from services.journey.definition.repository import JOURNEY
from services.journey.engine import repository
from services.journey.engine.entering import ENROLMENT
from services.journey.inbox.delivering import INBOX
from shared.audit import Check

RUN, WAIT, STEP = repository.RUN, repository.WAIT, repository.STEP
ALIVE = RUN.c.state.in_(("ready", "waiting", "waiting_answer"))


def checks(now: datetime, late: datetime) -> list[Check]:
    """`late`: what was due before this instant is stuck."""
    return [*_stuck(now, late), *_questions(late), *_waits(), *_counters(), *_ledgers()]


def _stuck(now: datetime, late: datetime) -> list[Check]:
    overdue = and_(ALIVE, RUN.c.due_at < late)
    paused = exists().where(JOURNEY.c.id == RUN.c.journey_id, JOURNEY.c.status == "paused")
    leased = RUN.c.lease_until > now
    shown = (RUN.c.id, RUN.c.node_id, RUN.c.due_at)
    return [
        Check(
            "no_run_waits_past_its_due_time",
            "every run in flight that is due is worked on, or its journey is paused",
            select(*shown).where(overdue, ~paused, or_(RUN.c.lease_until.is_(None), ~leased)),
        ),
        Check(
            "only_paused_journeys_hold_runs",
            "a run is held back only while its journey is paused",
            select(*shown).where(overdue, RUN.c.held, ~paused),
        ),
        Check(
            "no_message_is_planned_in_vain",
            "every planned or claimed message is tried when it is due",
            select(EFFECT.c.id, EFFECT.c.status).where(
                EFFECT.c.status.in_(("planned", "claimed")), or_(EFFECT.c.due_at.is_(None), EFFECT.c.due_at < late)
            ),
        ),
    ]


def _questions(late: datetime) -> list[Check]:
    asking = and_(RUN.c.id == EFFECT.c.run_id, RUN.c.node_id == EFFECT.c.node_id, RUN.c.state == "waiting_answer")
    return [
        Check(
            "every_waiting_run_has_asked",
            "a run that waits for an answer has its question in the ledger",
            select(RUN.c.id, RUN.c.node_id).where(
                RUN.c.state == "waiting_answer", ~exists().where(asking, EFFECT.c.status == "asked")
            ),
        ),
        Check(
            "every_open_question_has_a_run",
            "a question without an answer belongs to a run that waits for it, or to one that ended first",
            select(EFFECT.c.id, EFFECT.c.run_id).where(
                EFFECT.c.status == "asked",
                EFFECT.c.created_at < late,
                ~exists().where(or_(asking, and_(RUN.c.id == EFFECT.c.run_id, ~ALIVE))),
            ),
        ),
    ]


def _waits() -> list[Check]:
    mine = and_(WAIT.c.run_id == RUN.c.id, WAIT.c.kind == "node", WAIT.c.node_id == RUN.c.node_id)
    began = and_(STEP.c.run_id == RUN.c.id, STEP.c.node_id == RUN.c.node_id, STEP.c.at == RUN.c.arrived_at)
    return [
        Check(
            "every_event_wait_belongs_to_a_run_in_flight",
            "waits of nodes and exits are gone when their run has moved on or ended",
            select(WAIT.c.run_id, WAIT.c.kind, WAIT.c.node_id).where(
                WAIT.c.kind != "goal",
                ~exists().where(
                    RUN.c.id == WAIT.c.run_id, ALIVE, or_(WAIT.c.kind != "node", RUN.c.node_id == WAIT.c.node_id)
                ),
            ),
        ),
        Check(
            "every_event_wait_can_be_found",
            "a run whose last step began to wait for an event has a row by which that event finds it",
            select(RUN.c.id, RUN.c.node_id).where(
                RUN.c.state == "waiting",
                exists().where(began, STEP.c.reason == "waiting_event"),
                ~exists().where(mine),
            ),
        ),
    ]


def _counters() -> list[Check]:
    return [_edges_counted(), _runs_counted()]


def _edges_counted() -> Check:
    every = repository.counted().subquery()
    edge = (STEP.c.journey_id, STEP.c.node_id, STEP.c.port)
    logged = select(*edge, func.count().label("total")).where(STEP.c.port.is_not(None)).group_by(*edge).subquery()
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
    every = repository.counted().subquery()

    def sums(kind: str) -> ColumnElement[Any]:
        return func.sum(case((every.c.kind == kind, every.c.count), else_=0)).label(kind)

    kinds = ("enter", "end", "goal")
    totals = select(every.c.journey_id, *(sums(kind) for kind in kinds)).group_by(every.c.journey_id).subquery()
    per = (
        select(
            RUN.c.journey_id,
            func.count().label("enter"),
            func.sum(case((ALIVE, 0), else_=1)).label("end"),
            func.count(RUN.c.goal_at).label("goal"),
        )
        .group_by(RUN.c.journey_id)
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
    history = select(func.count()).where(STEP.c.run_id == RUN.c.id).scalar_subquery()
    entered = (
        select(func.count())
        .where(RUN.c.journey_id == ENROLMENT.c.journey_id, RUN.c.customer_id == ENROLMENT.c.customer_id)
        .scalar_subquery()
    )
    delivered = exists().where(INBOX.c.id == EFFECT.c.id)
    inbox = and_(EFFECT.c.kind == "message", EFFECT.c.channel == "inbox", EFFECT.c.status == "sent")
    return [
        Check(
            "histories_are_complete",
            "a run has as many lines of history as it made steps",
            select(RUN.c.id, RUN.c.steps).where(RUN.c.steps != history),
        ),
        Check(
            "enrolments_equal_the_runs",
            "a customer has as many runs of a journey as entries",
            select(ENROLMENT.c.journey_id, ENROLMENT.c.customer_id, ENROLMENT.c.entries).where(
                ENROLMENT.c.entry_key == literal(""), ENROLMENT.c.entries != entered
            ),
        ),
        Check(
            "sent_means_delivered",
            "every inbox message that counts as sent lies in an inbox",
            select(EFFECT.c.id, EFFECT.c.run_id).where(inbox, ~delivered),
        ),
    ]
