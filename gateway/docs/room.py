"""The room of the documentation that the suite serves itself."""

from gateway.docs.api import router
from gateway.docs.documents import Documents
from gateway.docs.portal import Portal
from gateway.forwarding.embedded import AsgiForwarder
from gateway.forwarding.room import ForwardingRoom
from gateway.route_table import RouteTable
from shared.room import Room
from shared.web import PartApp


class DocsRoom(Room):
    """Offers `portal`: the pages in front of the administrative API, whose document is merged with those of the parts."""

    def __init__(self, table: RouteTable, forwarding: ForwardingRoom) -> None:
        self._table = table
        self._forwarding = forwarding
        self.routers = [router]

    def portal(self, admin: PartApp) -> Portal:
        """The pages, with everything else handed to `admin`."""
        documents = Documents({**self._forwarding.upstreams, "gateway": AsgiForwarder(admin)}, self._table)
        return Portal(admin, documents)
