"""What every part's HTTP side has in common."""

from shared.external_ids import ExternalId
from shared.web.app import PartApp, create_app
from shared.web.client import Client, ClientFacts, bucket_of, client_of
from shared.web.costs import costs
from shared.web.fingerprints import fingerprint
from shared.web.hot import HotRequest, HotRoute
from shared.web.idempotency_keys import KeyedCall, Submission
from shared.web.identity import MERCHANT, Caller, Needs, merchant_needs, needs, operator_needs, sign_headers
from shared.web.keyed import Keyed
from shared.web.owners import offered, partners_index, visible
from shared.web.paging import Page, PageParams, Paging, filtered, page_of
from shared.web.patches import Patch, merged
from shared.web.problems import (
    BadRequest,
    Conflict,
    FieldError,
    Forbidden,
    Gone,
    NotFound,
    Problem,
    ProblemDocument,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    Unprocessable,
    invalid,
)
from shared.web.provide import Provided
from shared.web.schemas import (
    Amount,
    BasisPoints,
    Body,
    Count,
    Instant,
    JsonObject,
    Name,
    Quantity,
    Text,
    View,
)
from shared.web.walls import OPEN_QUERY

__all__ = [
    "MERCHANT",
    "OPEN_QUERY",
    "Amount",
    "BadRequest",
    "BasisPoints",
    "Body",
    "Caller",
    "Client",
    "ClientFacts",
    "Conflict",
    "Count",
    "ExternalId",
    "FieldError",
    "Forbidden",
    "Gone",
    "HotRequest",
    "HotRoute",
    "Instant",
    "JsonObject",
    "Keyed",
    "KeyedCall",
    "Name",
    "Needs",
    "NotFound",
    "Page",
    "PageParams",
    "Paging",
    "PartApp",
    "Patch",
    "Problem",
    "ProblemDocument",
    "Provided",
    "Quantity",
    "Submission",
    "Text",
    "TooLarge",
    "TooManyRequests",
    "Unauthorized",
    "Unavailable",
    "Unprocessable",
    "View",
    "bucket_of",
    "client_of",
    "costs",
    "create_app",
    "filtered",
    "fingerprint",
    "page_of",
    "partners_index",
    "invalid",
    "merchant_needs",
    "merged",
    "needs",
    "offered",
    "operator_needs",
    "sign_headers",
    "visible",
]
