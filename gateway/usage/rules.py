"""What became of a call, by its status. Pure."""

OUTCOMES = ("succeeded", "refused", "limited", "failed", "unanswered")
_SUCCEEDED, _REFUSED, _LIMITED, _FAILED, _UNANSWERED = range(5)


def outcome(status: int) -> int:
    """The place in OUTCOMES of a call that was answered with this status; 499: the caller had gone."""
    if status < 400:
        return _SUCCEEDED
    if status == 429:
        return _LIMITED
    if status == 499:
        return _UNANSWERED
    return _FAILED if status >= 500 else _REFUSED
