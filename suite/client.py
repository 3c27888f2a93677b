"""The commands' own small client of the public API: problem documents become sentences."""

import asyncio
import json
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from shared.language import say
from suite.errors import Stop

if TYPE_CHECKING:
    from shared.http import EgressError
    from suite.settings import CallerSettings

ANSWER_BYTES = 64 * 1024 * 1024


class Problem(Stop):
    """The suite refused: `status` and `code` of its problem document, the detail as message."""

    def __init__(self, status: int, document: Mapping[str, Any], call: str) -> None:
        self.status = status
        self.code = str(document.get("code", "unknown"))
        self.document = document
        detail = document.get("detail") or document.get("title") or say("no reason given", "未说明原因")
        found = [f"{e.get('pointer')}: {e.get('detail')}" for e in document.get("errors", [])[:5]]
        more = "" if found in ([], [detail]) else f" {'; '.join(found)}"  # of one alone the detail is that already
        super().__init__(
            say(
                f"{call} was refused ({status} {self.code}): {detail}{more}",
                f"{call} 被拒绝（{status} {self.code}）：{detail}{more}",
            )
        )


class NotRunning(Stop):
    """Nobody answers at the URL."""


class Client:
    """Calls a running suite at `url` with `key` (empty: public paths only). Use it as an async context manager."""

    def __init__(self, url: str, key: str, *, seconds: float = 60) -> None:
        self.url = url.rstrip("/")
        self._headers = {"authorization": f"Bearer {key}"} if key else {}
        from shared.http import EgressClient

        self._http = EgressClient(allow_private=True, total_seconds=seconds, answer_bytes=ANSWER_BYTES)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str) -> Any:
        """The JSON of a GET. Raises Problem, NotRunning."""
        return await self.call("GET", path)

    async def post(self, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """POST a JSON body; answers the JSON of the answer. Raises Problem, NotRunning."""
        return await self.call("POST", path, body, headers)

    async def all(self, path: str) -> list[Any]:
        """Every object of a list, page after page."""
        found: list[Any] = []
        join = "&" if "?" in path else "?"
        page = await self.get(f"{path}{join}limit=100")
        found += page["data"]
        while page["has_more"]:
            page = await self.get(f"{path}{join}limit=100&cursor={page['next_cursor']}")
            found += page["data"]
        return found

    async def delete(self, path: str) -> Any:
        """DELETE; answers the JSON of the answer, if any. Raises Problem, NotRunning."""
        return await self.call("DELETE", path)

    async def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """Any call; the answer's JSON, None when it has no body. `headers` may replace the key."""
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        sent = {**self._headers, "content-type": "application/json", **(headers or {})}
        from shared.http import EgressError

        try:
            answer = await self._http.request(method, self.url + path, headers=sent, content=content)
        except EgressError as error:
            raise self._away(error) from None
        if answer.status >= 300:
            raise refused(answer.status, answer.body, f"{method} {path}", self.url)
        return json.loads(answer.body) if answer.body else None

    async def status(self, path: str) -> tuple[int, Any]:
        """Status and JSON of a GET, whatever the status (for /readyz)."""
        from shared.http import EgressError

        try:
            answer = await self._http.request("GET", self.url + path, headers=self._headers)
        except EgressError as error:
            raise self._away(error) from None
        try:
            return answer.status, json.loads(answer.body)
        except ValueError:
            return answer.status, None

    def _away(self, error: "EgressError") -> NotRunning:
        reason = error.reason.rstrip(".").lower()
        return NotRunning(
            say(
                f"No suite answers at {self.url} ({reason}). "
                "Start it with `quanyu serve`, or say where it runs with --url.",
                f"{self.url} 没有套件应答（{reason}）。请用 `quanyu serve` 启动，或用 --url 指明它的地址。",
            )
        )

    async def until_ready(self, seconds: float) -> None:
        """Wait until /readyz answers 200. Raises Stop with what is missing."""
        missing = say("it does not answer", "没有应答")
        try:
            async with asyncio.timeout(seconds):
                while True:
                    try:
                        status, document = await self.status("/readyz")
                        if status == 200:
                            return
                        missing = str((document or {}).get("detail", say(f"it answers {status}", f"应答为 {status}")))
                    except NotRunning:
                        pass
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise Stop(
                say(
                    f"The suite at {self.url} is not ready after {seconds:.0f} s: {missing}.",
                    f"{self.url} 的套件在 {seconds:.0f} 秒后仍未就绪：{missing}。",
                )
            ) from None


def refused(status: int, body: bytes, call: str, url: str) -> Stop:
    """The sentence for a refusal: the problem document's own, and for 401 where a key comes from."""
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict) or "code" not in document:
        return Stop(
            say(
                f"{url} answered {call} with {status}, and not as Quanyu does. Does another program run there?",
                f"{url} 对 {call} 应答 {status}，但不像 Quanyu。那里运行的是别的程序吗？",
            )
        )
    if status == 401:
        return Stop(
            say(
                f"The suite at {url} does not know this key. Give the right one with --key, with QUANYU_ADMIN_KEY, "
                "or point --data-dir to the folder where the suite wrote admin.key.",
                f"{url} 的套件不认识该密钥。请用 --key 或 QUANYU_ADMIN_KEY 给出正确的密钥，"
                "或用 --data-dir 指向套件写有 admin.key 的目录。",
            )
        )
    return Problem(status, document, call)


def connect(settings: "CallerSettings", key: str | None = None, *, seconds: float = 60) -> Client:
    """A client for the suite that `settings` names; the key comes from flag, environment, or the admin key file."""
    chosen = key or (settings.admin_key.get_secret_value() if settings.admin_key else None)
    if chosen is None:
        try:
            chosen = settings.key_file.read_text().strip()
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            unread = say(f"can't be read: {error.strerror}", f"无法读取：{error.strerror}")
            state = say("is not there", "不存在") if missing else unread
            raise Stop(
                say(
                    f"No key: give one with --key or QUANYU_ADMIN_KEY. (A suite that runs here writes its "
                    f"administrator key to {settings.key_file}; that file {state}.)",
                    f"没有密钥：请用 --key 或 QUANYU_ADMIN_KEY 给出。（在本机运行的套件会把管理员密钥写入 "
                    f"{settings.key_file}；该文件{state}。）",
                )
            ) from None
    return Client(settings.url, chosen, seconds=seconds)
