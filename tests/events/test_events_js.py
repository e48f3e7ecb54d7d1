"""web/static/js/events.js in a real browser, against a real server."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from server.bus.memory import MemoryBus
from server.clock import SystemClock
from server.events.conversation import ConversationLimits
from server.events.hub import Hub
from server.events.schema import CloseCode
from server.events.socket import SocketLimits
from server.store.engine import Store
from server.store.event_log import TableLog
from tests.browser.chromium import find_chromium
from tests.events.scenes import Door, Somebody, new_event, say, serving

SCRIPTS = Path(__file__).parents[2] / "web/static/js"
CHROMIUM = find_chromium()
BEGIN = """async () => {
    const { Events } = await import("/events.js");
    window.heard = []; window.states = []; window.resyncs = [];
    window.events = new Events();
    events.onState((state, why) => states.push([state, why.code]));
    window.stop = events.subscribe("alerts", { filter: { cameraId: "c1" } },
        (event) => heard.push(event.data.number), (snapshot, how) => resyncs.push(how.recovered));
}"""

pytestmark = pytest.mark.browser


async def page_html(request: Request) -> Response:
    answer = HTMLResponse("<!doctype html><title>events</title>")
    answer.set_cookie("session", "good")
    return answer


async def module(request: Request) -> Response:
    return FileResponse(SCRIPTS / request.url.path.removeprefix("/"), media_type="text/javascript")


ROUTES = [Route("/", page_html), Route("/{name}.js", module)]


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield await browser.new_page()
        await browser.close()


async def test_it_comes_back_and_has_everything_once(store: Store, log: TableLog, page: Page) -> None:
    """Over lost connections, with a filter; told to load again only where history began anew; stopped at 4510."""
    hub = Hub(log, MemoryBus(), SystemClock(), poll_s=0.2)
    door = Door(good=Somebody())
    async with serving(hub, door, routes=ROUTES) as url:
        await page.goto(url.replace("ws://", "http://").removesuffix("ws"))
        await page.evaluate(BEGIN)
        await page.wait_for_function("states.at(-1)[0] === 'connected'")
        while not ("alerts" in hub._feeds and hub._feeds["alerts"].followers):  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
        for number in range(30):
            await say(store, log, hub, new_event(number, camera=f"c{1 + number % 2}"))
            if number in {9, 19}:
                for listener in tuple(hub.listeners):
                    listener.end(CloseCode.TOO_SLOW, "so that it comes back")
        await page.wait_for_function("heard.length >= 15")
        assert await page.evaluate("heard") == list(range(0, 30, 2))
        assert [4001, "reconnecting"] in [[code, state] for state, code in await page.evaluate("states")]
        assert await page.evaluate("resyncs") == []

        async with store.transaction() as session:
            await log.begin_epoch(session)
        await page.wait_for_function("resyncs.length === 1")
        assert await page.evaluate("resyncs") == [False]
        await say(store, log, hub, new_event(100))
        await page.wait_for_function("heard.at(-1) === 100")

        await page.evaluate("stop()")
        await say(store, log, hub, new_event(101))
        door.ended.add("ada")
        hub.revoked()
        await page.wait_for_function("states.at(-1)[0] === 'stopped'")
        assert await page.evaluate("states.at(-1)[1]") == 4510
        assert await page.evaluate("heard.at(-1)") == 100


async def test_a_server_that_is_away_is_tried_again(store: Store, log: TableLog, page: Page) -> None:
    """The page says reconnecting until somebody answers; a closed one stays closed."""
    hub = Hub(log, MemoryBus(), SystemClock())
    async with serving(hub, Door(good=Somebody()), routes=ROUTES) as url:
        await page.goto(url.replace("ws://", "http://").removesuffix("ws"))
        await page.evaluate(BEGIN)
        await page.wait_for_function("states.at(-1)[0] === 'connected'")
    await page.wait_for_function("states.at(-1)[0] === 'reconnecting'")
    await page.evaluate("events.close()")
    assert await page.evaluate("[events.state, states.at(-1)[0]]") == ["stopped", "stopped"]


async def test_who_was_not_in_in_time_is_asked_about(store: Store, log: TableLog, page: Page) -> None:
    """4501 ends a page only where the server says that the session is over; a proxy's 401 and a 503 do not say so."""
    hub = Hub(log, MemoryBus(), SystemClock())
    answers: list[Response] = []
    asked = 0

    async def me(request: Request) -> Response:
        nonlocal asked
        asked += 1
        return answers[min(asked, len(answers)) - 1]

    answers += [JSONResponse({"data": {}}), Response("Sign in to the network", 401), Response(status_code=503)]
    limits = SocketLimits(conversation=ConversationLimits(auth_within_s=0.2))
    routes = [*ROUTES, Route("/api/v1/auth/me", me)]
    async with serving(hub, Door(good=Somebody()), routes=routes, limits=limits) as url:
        home = url.replace("ws://", "http://").removesuffix("ws")
        await page.goto(home)
        await page.context.clear_cookies()  # so that the server hears nothing of who it is
        await page.evaluate(BEGIN)
        while asked < 3:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.05)
        assert await page.evaluate("states.at(-1)") == ["reconnecting", 4501]
        await page.context.add_cookies([{"name": "session", "value": "good", "url": home}])
        await page.wait_for_function("states.at(-1)[0] === 'connected'")
        await page.context.clear_cookies()
        answers.append(JSONResponse({"error": {"code": "not_authenticated", "requestId": "r1"}}, 401))
        asked = 3
        for listener in tuple(hub.listeners):
            listener.end(CloseCode.TOO_SLOW, "so that it comes back")
        await page.wait_for_function("states.at(-1)[0] === 'stopped'")
        assert await page.evaluate("states.at(-1)[1]") == 4501
