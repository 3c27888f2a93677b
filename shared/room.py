"""A part made of rooms: each room builds its use cases once, offers some to other rooms, and adds its share to the service."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, TypeVar, overload

from fastapi import APIRouter

from shared.figures import Measure
from shared.loops import Loop
from shared.messaging import Subscription
from shared.readiness import Look
from shared.service import Kit, Service
from shared.web import HotRoute, create_app

S = TypeVar("S", bound=Service)


class Room:
    """One subject of a part. Its subclass takes what the room stands on, as fields of a dataclass where that is much.

    It sets those of these attributes that the room adds to the service; further attributes are what it offers to other rooms.
    """

    routers: Sequence[APIRouter] = ()
    provides: Sequence[object] = ()
    """The use cases that its routes ask for with `Provided(Kind)`, each kind once in the whole part."""
    hot_routes: Sequence[HotRoute] = ()
    subscriptions: Sequence[Subscription] = ()
    loops: Sequence[Loop] = ()
    resources: Sequence[Callable[[], Any]] = ()
    """Async context managers (by factory) that are open while the service runs."""
    looks: Sequence[Look] = ()
    """What `/readyz` asks besides."""
    figures: Sequence[Measure] = ()
    """What is counted when Prometheus asks."""


@overload
def join(kit: Kit, rooms: Sequence[Room], *, description: str = "") -> Service: ...
@overload
def join(kit: Kit, rooms: Sequence[Room], *, description: str = "", kind: type[S]) -> S: ...
def join(kit: Kit, rooms: Sequence[Room], *, description: str = "", kind: type[Service] = Service) -> Service:
    """The service of these rooms, or a subclass of it.

    Routes are matched, loops ticked and resources entered in the order of the rooms.
    """
    app = create_app(
        kit,
        routers=list(chain.from_iterable(room.routers for room in rooms)),
        provides=list(chain.from_iterable(room.provides for room in rooms)),
        hot_routes=list(chain.from_iterable(room.hot_routes for room in rooms)),
        description=description,
    )
    service = kind(
        kit,
        app,
        subscriptions=list(chain.from_iterable(room.subscriptions for room in rooms)),
        loops=list(chain.from_iterable(room.loops for room in rooms)),
        resources=list(chain.from_iterable(room.resources for room in rooms)),
        looks=list(chain.from_iterable(room.looks for room in rooms)),
    )
    service.figures.add(*chain.from_iterable(room.figures for room in rooms))
    return service
