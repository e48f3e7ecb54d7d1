"""What recognises, and how well it does here."""

from typing import Any

import httpx

from server.parts import Parts
from server.store import evaluations


async def test_what_is_in_use(admin: httpx.AsyncClient, parts: Parts) -> None:
    """Both networks with licence and hash, the gallery with its threshold, and no measurement yet."""
    found = (await admin.get("/api/v1/system/models")).json()["data"]
    assert (found["detector"]["name"], found["embedder"]["name"]) == ("centerface", "mobilefacenet")
    assert found["embedder"]["sha256"] == parts.packs()["embedder"][0].sha256
    assert (found["embedder"]["licence"], found["embedder"]["researchOnly"]) == ("MIT", False)
    assert found["gallery"] == {
        "people": 0, "templates": 0, "threshold": parts.roster.threshold, "search": "exact"
    }  # fmt: skip
    assert found["evaluation"] is None


async def test_the_last_measurement(admin: httpx.AsyncClient, parts: Parts) -> None:
    """As it was kept; of other networks it says that it is not about these."""
    report: dict[str, Any] = {
        "detector": parts.packs()["detector"][0].label, "embedder": parts.packs()["embedder"][0].label, "people": 3,
        "photos": 9, "pairs": {"same": 9, "different": 27}, "failureToEnrol": 0.0, "accuracy": None,
        "threshold": None, "tar": {"1e-2": None}, "fpir": {"1": 0.0}, "fnir": {"1": 0.1}, "galleryPhotos": 1,
        "msPerFace": 4.0, "det": [[0.1, 0.2]],
    }  # fmt: skip
    for embedder, current in ((report["embedder"], True), ("other@1", False)):
        async with parts.store.transaction() as session:
            await evaluations.keep(session, {**report, "embedder": embedder})
        found = (await admin.get("/api/v1/system/models")).json()["data"]["evaluation"]
        assert found.pop("at").endswith("Z")
        assert found == {**report, "embedder": embedder, "current": current}


async def test_the_curve_is_drawn(admin: httpx.AsyncClient, parts: Parts) -> None:
    """An SVG that runs nothing and loads nothing, in the colours of the page; 404 before anything was measured."""
    url = "/api/v1/system/models/det.svg"
    missing = await admin.get(url)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "evaluation_not_found")
    async with parts.store.transaction() as session:
        await evaluations.keep(session, {"det": [[0.001, 0.5], [0.01, 0.25], [0.1, 0.0]]})
    answer = await admin.get(url, params={"theme": "dark"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert "strangers accepted" in answer.text
    assert "#6cc6e4" in answer.text
    assert "<script" not in answer.text
    assert "href=" not in answer.text
    assert (await admin.get(url, params={"theme": "pink"})).status_code == 422
