"""What the gateway counts. Labels are few and bounded: never a key id, an address or a raw path."""

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

REQUEST_SECONDS = Histogram(
    "quanyu_gateway_request_duration_seconds",
    "Time of a request at the public door, by route template",
    ["method", "route", "status"],
    buckets=_FAST,
)
KEY_CHECKS = Counter("quanyu_gateway_key_checks_total", "Key checks by outcome", ["outcome"])
KEY_LOOKUPS = Counter(
    "quanyu_gateway_key_lookups_total",
    "Keys found in memory (hit), or asked for in the database first (miss)",
    ["result"],
)
LIMITED = Counter("quanyu_gateway_limited_total", "Requests refused by a rate limit", ["policy"])
LIMIT_STORE_FAILURES = Counter("quanyu_gateway_limit_store_failures_total", "Times that Redis gave no limit decision")
REPLICAS = Gauge("quanyu_gateway_replicas", "Gateways on this database, which divide limits that no Redis counts")
FORWARDED_UNTRUSTED = Counter(
    "quanyu_gateway_forwarded_untrusted_total", "Requests with a forwarded address, from no trusted proxy"
)
UPSTREAM_CONNECTIONS = Gauge(
    "quanyu_gateway_upstream_connections", "Open connections to an instance of a service", ["service", "upstream"]
)
UPSTREAM_STATE = Gauge(
    "quanyu_gateway_upstream_state",
    "How an instance of a service is used: 0 fully, 1 only when no other one can be, 2 a single call is tried, 3 not at all "
    "(its circuit breaker is open)",
    ["service", "upstream"],
)
UPSTREAM_RETRIES = Counter(
    "quanyu_gateway_upstream_retries_total", "Requests sent again on another connection", ["service"]
)
UPSTREAM_FAILURES = Counter("quanyu_gateway_upstream_failures_total", "Requests a service failed", ["service", "code"])
CAPACITY = Gauge(
    "quanyu_gateway_capacity",
    "Requests that may be under way at once, as found by what calls take; `suite` are all parts of one process",
    ["service"],
)
SHED = Counter(
    "quanyu_gateway_shed_total", "Requests told to come again because there was too much to do", ["service", "priority"]
)
WEBHOOKS_OUT_ATTEMPTS = Counter("quanyu_webhooks_out_attempts_total", "Webhook attempts by outcome", ["outcome"])
WEBHOOKS_OUT_SECONDS = Histogram(
    "quanyu_webhooks_out_attempt_duration_seconds", "Time of one webhook attempt", buckets=_FAST
)
WEBHOOKS_OUT_OVERDUE = Gauge(
    "quanyu_webhooks_out_overdue_seconds",
    "How long the webhook attempt that should have been first is late",
    ["service"],
)
WEBHOOKS_OUT_OLDEST = Gauge(
    "quanyu_webhooks_out_oldest_seconds",
    "Age of the oldest event that an enabled endpoint has not got yet",
    ["service"],
)
WEBHOOK_ENDPOINTS = Gauge(
    "quanyu_webhook_endpoints", "Endpoints by state: well, failing since their last success, disabled", ["state"]
)
WEBHOOKS_IN_RECEIVED = Counter(
    "quanyu_webhooks_in_received_total", "Proven deliveries of partners by outcome", ["outcome"]
)
WEBHOOKS_IN_UNPROVEN = Counter(
    "quanyu_webhooks_in_unproven_total", "Deliveries of strangers, or with a wrong or old signature"
)
SIGN_INS = Counter("quanyu_gateway_sign_ins_total", "Operators who tried to sign in, by outcome", ["outcome"])
