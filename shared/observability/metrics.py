"""Prometheus metrics with few, bounded labels. Never a key id, a customer or a raw path in a label."""

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUEST_SECONDS = Histogram(
    "quanyu_http_request_duration_seconds",
    "Time from the first byte of a request to the last of its answer",
    ["service", "method", "route", "status"],
    buckets=_FAST,
)
BATCH_SIZE = Histogram(
    "quanyu_group_commit_batch_size",
    "Requests that went into one transaction",
    ["group"],
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
OUTBOX_PUBLISHED = Counter("quanyu_outbox_published_total", "Packs that the relay handed to the bus", ["service"])
OUTBOX_WAITING = Gauge("quanyu_outbox_waiting", "Packs that wait to be sent; 10,000 are that many or more", ["service"])
OUTBOX_OLDEST = Gauge("quanyu_outbox_oldest_seconds", "How long the oldest pack has waited to be sent", ["service"])
QUEUE_WAITING = Gauge("quanyu_queue_waiting", "Packs that wait for a consumer", ["queue"])
QUEUE_PARKED = Gauge("quanyu_queue_parked", "Packs that were given up after the last try", ["queue"])
MESSAGE_AGE = Histogram(
    "quanyu_message_age_seconds",
    "From when something happened until its consumer had handled the message, the oldest of each batch",
    ["consumer"],
    buckets=(0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200),
)
RELAY_FAILURES = Counter("quanyu_outbox_relay_failures_total", "Times that the bus could not take packs", ["service"])
MESSAGES_HANDLED = Counter("quanyu_messages_handled_total", "Messages by outcome", ["consumer", "outcome"])
LOOP_BEAT = Gauge(
    "quanyu_loop_last_success_timestamp_seconds", "When a background loop last ended well", ["service", "loop"]
)
LOOP_FAILURES = Counter("quanyu_loop_failures_total", "Background loop rounds that failed", ["service", "loop"])
LOOP_BEHIND = Gauge(
    "quanyu_loop_behind_seconds",
    "How long a loop has had more work than one round does, or has failed; 0 while it keeps pace",
    ["service", "loop"],
)
DISK_FREE = Gauge("quanyu_disk_free_bytes", "Room that is left for us on the disk of the folder", ["folder"])
DISK_SIZE = Gauge("quanyu_disk_size_bytes", "Size of that disk", ["folder"])
FIGURES_FAILED = Counter(
    "quanyu_figures_failed_total", "Figures that could not be taken in time, and are not shown", ["service"]
)
DATABASE_CONNECTIONS = Gauge("quanyu_database_connections_allowed", "Connections that a part may have", ["service"])
DATABASE_IN_USE = Gauge("quanyu_database_connections_in_use", "Transactions that have a connection", ["service"])
DATABASE_WAITING = Gauge("quanyu_database_waiting", "Transactions that wait for a connection", ["service", "use"])
DATABASE_REFUSED = Counter(
    "quanyu_database_refused_total", "Transactions that waited for a connection in vain", ["service", "use"]
)
DATABASE_CUT = Counter(
    "quanyu_database_cut_total", "Connections to the database that were cut because no answer came in time", ["service"]
)
DATABASE_TROUBLE = Gauge(
    "quanyu_database_in_trouble", "1 while a part's database does not answer, is full or takes no writes", ["service"]
)
DATABASE_FULL = Counter(
    "quanyu_database_full_total", "Times that the server had no connection left for this part", ["service"]
)
CHECK_STATE = Gauge(
    "quanyu_check_state", "What /readyz found when last asked: 0 ok, 1 degraded, 2 down", ["service", "check"]
)
