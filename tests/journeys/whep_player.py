"""A WHEP player of somebody else's: aiortc over httpx, on a thread of its own, that notes each picture it decodes."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import httpx

from tests.webrtc.browser import Browser

PATIENCE_S = 60.0


class WhepPlayer:
    """Plays one camera within `with`. `sizes` has the size of each decoded picture; one session, never a second."""

    def __init__(self, server: str, camera_id: str, token: str | None, query: str = "") -> None:
        self._server = server
        self._url = f"{server}/api/v1/cameras/{camera_id}/whep{query}"
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._thread = threading.Thread(target=lambda: asyncio.run(self._play()), daemon=True)
        self._news = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leaving = asyncio.Event()
        self._failed: BaseException | None = None
        self._connected = False
        self.sizes: list[tuple[int, int]] = []
        self.codec = ""
        self.state = "new"

    def __enter__(self) -> Self:
        self._thread.start()
        self._await(lambda: self._connected, PATIENCE_S, "no connection")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._leaving.set)
        self._thread.join(PATIENCE_S)

    def decodes(self, count: int = 10, *, size: tuple[int, int] | None = None, within_s: float = PATIENCE_S) -> None:
        """Waits until so many further pictures, of that size, are decoded; fails when the session ends before."""
        begin = len(self.sizes)

        def enough() -> bool:
            return sum(size in (None, each) for each in self.sizes[begin:]) >= count

        self._await(enough, within_s, f"not {count} pictures of {size or 'any size'}")

    def _await(self, condition: Callable[[], bool], within_s: float, complaint: str) -> None:
        until = time.monotonic() + within_s
        with self._news:
            while not condition():
                left = until - time.monotonic()
                assert self._failed is None, f"the player failed: {self._failed!r}"
                assert left > 0, f"{complaint} in {within_s} s; {self.state}; decoded: {len(self.sizes)}"
                self._news.wait(min(left, 1.0))

    def _tell(self) -> None:
        with self._news:
            self._news.notify_all()

    async def _play(self) -> None:
        self._loop = asyncio.get_running_loop()
        browser = Browser()
        try:
            async with httpx.AsyncClient(timeout=PATIENCE_S) as http:
                location = await self._begin(http, browser)
                async with asyncio.TaskGroup() as tasks:
                    reading = tasks.create_task(self._read(browser))
                    await self._leaving.wait()
                    await http.delete(location, headers=self._headers)
                    reading.cancel()
        except BaseException as error:  # noqa: BLE001 - told to the test, which waits on another thread
            self._failed = error
        finally:
            await browser.close()
            self._tell()

    async def _begin(self, http: httpx.AsyncClient, browser: Browser) -> str:
        browser.watches()
        headers = {**self._headers, "Content-Type": "application/sdp"}
        answer = await http.post(self._url, content=await browser.offer(), headers=headers)
        assert answer.status_code == 201, answer.text
        await browser.accept(answer.text)
        await browser.connected(PATIENCE_S)
        self._connected = True
        self._tell()
        return self._server + answer.headers["Location"]

    async def _read(self, browser: Browser) -> None:
        (video,) = [one for one in browser.connection.getTransceivers() if one.kind == "video"]
        self.codec = video._codecs[0].mimeType
        while True:
            picture = await video.receiver.track.recv()
            self.state = browser.connection.connectionState
            self.sizes.append((picture.width, picture.height))
            # What is only for tests of single packets would pile up here.
            browser.rtp.clear()
            browser.raw.clear()
            self._tell()
