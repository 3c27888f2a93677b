"""HTTP shapes of usage."""

from shared.web import View


class UsageView(View):
    """How many calls there were, of a key, an operation or a day, whichever was asked for; the others are empty.

    `key_id` is the first of the keys that were rotated one into the other, or an operator's account. `succeeded`: 2xx and 3xx;
    `refused`: 4xx but 429, which is `limited`; `failed`: 5xx; `unanswered`: the caller went away. `calls` are all of them.
    """

    key_id: str | None
    owner_id: str | None
    route: str | None
    day: str | None
    calls: int
    succeeded: int
    refused: int
    limited: int
    failed: int
    unanswered: int
