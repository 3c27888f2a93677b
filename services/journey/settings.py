"""Settings of the journey service."""

from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from shared.internet import PrivateTarget, private_targets, unsafe_targets
from shared.settings import ServiceSettings


class JourneySettings(ServiceSettings, service="journey"):
    """Each is read from `QUANYU_JOURNEY_<NAME>`, then `QUANYU_<NAME>`."""

    timer_batch: int = Field(200, ge=1, le=5000, description="due runs stepped in one transaction")
    timer_lease_seconds: float = Field(30, gt=0, description="how long a worker may hold a run before another takes it")
    step_attempts: int = Field(5, ge=1, le=100, description="tries before a run that cannot be stepped is failed")
    ask_again_seconds: float = Field(
        30, gt=0, description="first silence after which an unanswered question is repeated"
    )
    copy_wait_seconds: float = Field(
        2, ge=0, description="how long publishing waits to learn of an id it does not know"
    )
    webhook_attempts: int = Field(8, ge=1, le=20, description="tries of one webhook message")
    webhook_timeout_seconds: float = Field(10, gt=0, le=60, description="deadline of one try of a webhook message")
    webhooks_allow_private: bool = Field(
        False, description="let webhooks go to every private address; for development only"
    )
    webhooks_allowed_private: Annotated[tuple[PrivateTarget, ...], NoDecode, BeforeValidator(private_targets)] = Field(
        (), description="private addresses and networks that webhooks may go to, with a port or without, between commas"
    )
    audit_grace_seconds: float = Field(60, ge=0, description="how late a run may be before the audit names it")

    def unsafe(self) -> list[str]:
        """As for every part, and webhooks that would go to the machine itself."""
        return super().unsafe() + unsafe_targets(self.webhooks_allow_private, self.webhooks_allowed_private)
