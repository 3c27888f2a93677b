"""How stored coupons and jobs become answers."""

from datetime import datetime
from typing import Literal

from services.coupon.templates.cache import Snapshot
from services.coupon.templates.validity import FOREVER
from services.coupon.wallet.models import IssueJob, IssueTarget
from services.coupon.wallet.new_coupons import worth
from services.coupon.wallet.repository import ShownCoupon
from services.coupon.wallet.rules import progress
from services.coupon.wallet.schemas import CouponView, JobResult, JobView
from shared.db import as_dict


def coupon_view(row: ShownCoupon, snapshot: Snapshot, now: datetime) -> CouponView:
    """A coupon by the terms that it was issued by."""
    values = row._asdict()
    values["valid_until"] = None if row.valid_until == FOREVER else row.valid_until
    benefit = worth(snapshot.benefit, row.face_amount)
    return CouponView(**values, benefit=benefit, threshold=snapshot.threshold, server_time=now)


def job_view(row: IssueJob) -> JobView:
    """A job and how far it is."""
    started = row.started_at or row.updated_at
    going = row.status == "running"
    how = progress(row.issued + row.refused, row.total, (row.updated_at - started).total_seconds(), going)
    return JobView(**as_dict(row), percent=how.percent, rate=how.rate, eta_seconds=how.eta_seconds)


def outcome_of(row: IssueTarget) -> Literal["waiting", "issued", "refused"]:
    """What became of a customer of a job."""
    return "issued" if row.coupon_id else "refused" if row.code else "waiting"


def job_result_view(row: IssueTarget) -> JobResult:
    """The same, with the coupon or the reason."""
    return JobResult(**as_dict(row), outcome=outcome_of(row))
