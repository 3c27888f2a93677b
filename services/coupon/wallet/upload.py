"""Lists of customers coming in 名单上传: portion by portion into a job that begins when the list is whole."""

from collections.abc import AsyncIterator, Sequence

from services.coupon.wallet import job_repository
from services.coupon.wallet.issuing import IssueJobs, IssueOrder
from services.coupon.wallet.schemas import JobView
from services.coupon.wallet.sheets import CustomerSheet, SheetRow
from shared.service import Kit
from shared.table_files import TableFault
from shared.web import Caller, Conflict, TooLarge, Unprocessable

MOST_IN_A_FILE = 1_000_000
_PORTION = 2_000
"""Customers that one transaction stores: a list of a million must not keep others waiting."""
BROKEN_OFF = "the upload broke off"


class ListUpload:
    """Takes lists. What is not whole issues nothing: its job ends as cancelled."""

    def __init__(self, kit: Kit, jobs: IssueJobs) -> None:
        self._kit = kit
        self._jobs = jobs

    async def take_list(self, caller: Caller, template_id: str, customer_ids: Sequence[str], reason: str) -> JobView:
        """A list that is in memory already."""

        async def portions() -> AsyncIterator[list[SheetRow]]:
            for start in range(0, len(customer_ids), _PORTION):
                yield [SheetRow(one) for one in customer_ids[start : start + _PORTION]]

        return await self._take(caller, template_id, reason, portions())

    async def take_file(self, caller: Caller, template_id: str, pieces: AsyncIterator[bytes], reason: str) -> JobView:
        """A CSV file as it comes over the wire. Raises Unprocessable naming the line that can't be read; one whose id
        can't be an id is refused in the job's results.
        """

        async def portions() -> AsyncIterator[list[SheetRow]]:
            sheet, waiting = CustomerSheet(), list[SheetRow]()
            async for piece in pieces:
                waiting += sheet.feed(piece)
                while len(waiting) >= _PORTION:
                    yield waiting[:_PORTION]
                    del waiting[:_PORTION]
            waiting += sheet.close()
            for start in range(0, len(waiting), _PORTION):
                yield waiting[start : start + _PORTION]

        return await self._take(caller, template_id, reason, portions())

    async def _take(
        self, caller: Caller, template_id: str, reason: str, portions: AsyncIterator[list[SheetRow]]
    ) -> JobView:
        async with self._kit.db.write() as tx:
            job_id = await self._jobs.create(tx, caller, IssueOrder(template_id, reason, "receiving"))
        try:
            total = 0
            async for portion in portions:
                total += len(portion)
                if total > MOST_IN_A_FILE:
                    detail = f"One list holds up to {MOST_IN_A_FILE} customers. Send it in parts."
                    raise TooLarge("too_many_customers", detail)
                await self._append(job_id, portion)
            if not total:
                raise Unprocessable("empty_list", "The file names no customer. Put one customer id into each row.")
            return await self._begin(caller, job_id)
        except TableFault as fault:
            await self._give_up(job_id, str(fault))
            raise Unprocessable("unreadable_list", str(fault)) from None
        except (TooLarge, Unprocessable) as problem:
            await self._give_up(job_id, problem.detail)
            raise
        except BaseException:
            await self._give_up(job_id, BROKEN_OFF)
            raise

    async def _append(self, job_id: str, named: Sequence[SheetRow]) -> None:
        async with self._kit.db.write() as tx:
            if not await job_repository.append(tx, job_id, named, self._kit.clock.now()):
                raise Conflict("job_cancelled", "This job was cancelled while its list came in.")

    async def _begin(self, caller: Caller, job_id: str) -> JobView:
        async with self._kit.db.write() as tx:
            await job_repository.begin(tx, job_id, self._kit.clock.now())
            tx.after_commit(self._jobs.wake)
            return await self._jobs.view(tx, caller, job_id)

    async def _give_up(self, job_id: str, note: str) -> None:
        async with self._kit.db.write() as tx:
            await job_repository.cancel(tx, job_id, note, self._kit.clock.now())
