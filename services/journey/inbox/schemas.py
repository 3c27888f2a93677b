"""HTTP shapes of the in-app inbox."""

from shared.web import Instant, View


class InboxMessageView(View):
    """One message in a customer's inbox."""

    id: str
    customer_id: str
    journey_id: str
    run_id: str
    subject: str | None
    body: str
    created_at: Instant
    read_at: Instant | None
