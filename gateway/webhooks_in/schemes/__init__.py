"""The ways in which partners sign what they send, by name. A new one is one file here and one line in this table."""

from gateway.webhooks_in.schemes.github import GitHub
from gateway.webhooks_in.schemes.port import Scheme
from gateway.webhooks_in.schemes.standard import Standard

SCHEMES: dict[str, Scheme] = {"standard": Standard(), "github": GitHub()}

__all__ = ["SCHEMES", "Scheme"]
