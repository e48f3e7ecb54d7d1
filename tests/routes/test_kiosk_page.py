"""What the kiosk's page loads: sentences by language, and the worker at the root."""

import httpx

from server.routes.languages import Languages


async def test_sentences_come_by_language(anyone: httpx.AsyncClient) -> None:
    """Open, tagged and asked about; a language without a catalogue is not found."""
    answer = await anyone.get("/kiosk/words/ar.json")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["language"], body["direction"]) == ("ar", "rtl")
    assert body["sentences"] == dict(Languages().known()["ar"].sentences)
    again = await anyone.get("/kiosk/words/ar.json", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, answer.headers["cache-control"]) == (304, "no-cache")
    for other in ("xx", "..%2fde", "de.po"):
        assert (await anyone.get(f"/kiosk/words/{other}.json")).status_code == 404


async def test_the_page_offers_every_language(anyone: httpx.AsyncClient) -> None:
    """Each by its own name, marked as that language for a screen reader."""
    page = (await anyone.get("/kiosk")).text
    for language in Languages().known().values():
        assert f'lang="{language.tag}"' in page
        assert language.name in page
    assert 'data-time-zone="UTC"' in page


async def test_the_worker_lies_at_the_root(anyone: httpx.AsyncClient) -> None:
    """So that it may keep /kiosk; the browser asks for a newer one each time."""
    answer = await anyone.get("/kiosk-worker.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache"
