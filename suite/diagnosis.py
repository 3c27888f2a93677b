"""What `quanyu doctor` finds: one line for each check, well or not, and what to do about it."""

from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """The worst of all decides how the doctor ends: with FAIL, not well."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Group(StrEnum):
    """Where a check looks: into the settings, at the servers, at the suite that runs, into its books."""

    SAFE = "safe"
    SERVERS = "servers"
    RUNNING = "running"
    CONSISTENT = "consistent"


class Diagnosis(NamedTuple):
    """`check` is a name that stays; `detail` a sentence for a person, in their language."""

    group: Group
    check: str
    verdict: Verdict
    detail: str
