"""The room of offers 券模板."""

from services.coupon.templates.api import router
from services.coupon.templates.managing import Templates
from services.coupon.templates.repository import TermsBook
from shared.room import Room
from shared.service import Kit


class TemplatesRoom(Room):
    """Offers the `book`, in which terms once read are kept: they never change."""

    def __init__(self, kit: Kit) -> None:
        self.book = TermsBook()
        self.routers = [router]
        self.provides = [Templates(kit, self.book)]
