"""What staff may know of any code 查码."""

from services.coupon.code_format import corrected, normalised, well_formed
from services.coupon.codes import repository
from services.coupon.codes.looked_up import FoundPublic
from services.coupon.codes.rules import public_state, unique_state
from services.coupon.codes.schemas import CodeLookupView
from shared.service import Kit
from shared.web import Caller, NotFound


class CodeLookup:
    """Says what a code really is, which its shopper is not told."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def read(self, caller: Caller, typed: str) -> CodeLookupView:
        """What a code really is, for staff only. Raises NotFound, which says whether it is just mistyped; another owner's
        code was never made here.
        """
        if caller.customer_id is not None:
            raise NotFound("not_found", "There is no such object.")
        key, now = normalised(typed), self._kit.clock.now()
        async with self._kit.db.read() as tx:
            found = (await repository.find(tx, [key], [], now)).get(key)
        if found is None or not caller.sees(found.row.owner_id):
            if well_formed(corrected(key)):
                raise NotFound("not_found", "No such code was made here, though its check character is right.")
            raise NotFound(
                "not_found", "No public code reads so, and as a unique code it is mistyped: compare it again."
            )
        if isinstance(found, FoundPublic):
            public = found.row
            return CodeLookupView(
                kind="public",
                code=public.code,
                state=public_state(public, now),
                template_id=public.template_id,
                public_code_id=public.id,
                valid_until=public.valid_until,
            )
        row = found.row
        state = unique_state(row.coupon_id, row.batch_status, row.valid_until, now)
        return CodeLookupView(**row._asdict(), kind="unique", state=state)
