"""Hands use cases to routes: `Queries = Annotated[Wallet, Provided(Wallet)]`."""

from typing import Any

from fastapi import Depends
from starlette.requests import Request


def Provided(kind: type[Any]) -> Any:  # noqa: N802 - reads like Depends, which it is
    """A dependency that answers the application's one object of `kind` (given to `create_app` in `provides`)."""

    async def find(request: Request) -> Any:
        return request.app.state.provided[kind]

    return Depends(find)
