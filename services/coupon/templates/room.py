"""The room of offers 券模板."""

from dataclasses import dataclass

from services.coupon.templates.api import router
from services.coupon.templates.managing import StackCheck, Templates
from services.coupon.templates.repository import TermsBook
from shared.room import Room
from shared.service import Kit


@dataclass(eq=False)
class TemplatesRoom(Room):
    """Offers the `book`, in which terms once read are kept: they never change."""

    kit: Kit
    check_stack: StackCheck

    def __post_init__(self) -> None:
        self.book = TermsBook()
        self.routers = [router]
        self.provides = [Templates(self.kit, self.book, self.check_stack)]
