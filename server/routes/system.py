"""The networks in use, and how well they do on this site's own pictures."""

import asyncio
from typing import Literal

from pydantic import Field
from starlette.responses import Response

from server.charts import Theme
from server.errors import NotFound
from server.evaluation.plots import det_chart
from server.routes.endpoint import Call, Endpoint, endpoint
from server.store import evaluations
from server.vision.packs import Pack
from server.wire import Form, Time, Wire

CHART_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
ACROSS, UP = "strangers accepted", "true pairs refused"


class PackPublic(Wire):
    name: str
    version: str
    title: str
    licence: str
    research_only: bool
    precision: str
    sha256: str
    provider: str = Field(description="what runs it, such as CPUExecutionProvider")

    @classmethod
    def of(cls, pack: Pack, provider: str) -> "PackPublic":
        said = pack.manifest
        return cls(
            name=pack.name, version=pack.version, title=said.title, licence=pack.licence, sha256=pack.sha256,
            research_only=pack.research_only, precision=said.result.precision, provider=provider,
        )  # fmt: skip


class GalleryPublic(Wire):
    people: int = Field(description="who can be recognised")
    templates: int
    threshold: float = Field(description="the least cosine that counts at this number of people")
    search: Literal["exact", "index"]


class PairsPublic(Wire):
    same: int = Field(description="of one person")
    different: int = Field(description="of two people")


class EvaluationPublic(Wire):
    """As `rollcall models eval --site` has measured it; null is what so few pictures cannot tell."""

    at: Time
    current: bool = Field(description="whether the networks are still those that were measured")
    detector: str
    embedder: str
    people: int
    photos: int
    pairs: PairsPublic
    failure_to_enrol: float = Field(description="the share of pictures without a face")
    accuracy: float | None
    threshold: float | None = Field(description="the cosine at which most pairs are decided rightly")
    tar: dict[str, float | None] = Field(description="true pairs accepted, by the share of strangers accepted")
    fpir: dict[str, float | None] = Field(description="strangers who are named, by people enrolled")
    fnir: dict[str, float | None] = Field(description="enrolled people who are not recognised, by people enrolled")
    gallery_photos: int | None = Field(description="photos of each person in those galleries")
    ms_per_face: float | None
    det: list[list[float]] = Field(description="the DET curve: strangers accepted, true pairs refused")


class ModelsPublic(Wire):
    detector: PackPublic
    embedder: PackPublic
    gallery: GalleryPublic
    evaluation: EvaluationPublic | None = Field(description="the last one, if there was any")


@endpoint("GET", "/system/models", allow="system:read")
async def get_models(call: Call) -> ModelsPublic:
    """Which networks find and tell faces apart, under which licence, and what was measured of them here."""
    packs, roster = call.parts.packs(), call.parts.roster
    async with call.parts.store.read() as session:
        kept = await evaluations.last(session)
    measured = None
    if kept is not None:
        at, report = kept
        current = (report["detector"], report["embedder"]) == tuple(
            packs[one][0].label for one in ("detector", "embedder")
        )
        measured = EvaluationPublic.model_validate({**report, "at": at, "current": current})
    gallery = GalleryPublic(
        people=roster.gallery.people, templates=len(roster.gallery), threshold=roster.threshold,
        search="exact" if roster.gallery.index is None else "index",
    )  # fmt: skip
    found, told_apart = (PackPublic.of(*packs[one]) for one in ("detector", "embedder"))
    return ModelsPublic(detector=found, embedder=told_apart, gallery=gallery, evaluation=measured)


class ChartQuery(Form):
    theme: Theme = "light"


@endpoint("GET", "/system/models/det.svg", allow="system:read", gives="image/svg+xml", raises=(404,))
async def draw_det(call: Call, query: ChartQuery) -> Response:
    """The DET curve of the last measurement, drawn. 404 where there was none."""
    async with call.parts.store.read() as session:
        kept = await evaluations.last(session)
    if kept is None:
        raise NotFound("Nothing has been measured here yet.", code="evaluation_not_found")
    drawn = await asyncio.to_thread(det_chart, kept[1]["det"], query.theme, ACROSS, UP)
    headers = {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "Cache-Control": "no-store",
    }
    return Response(drawn, media_type="image/svg+xml", headers=headers)


ENDPOINTS: tuple[Endpoint, ...] = (get_models, draw_det)
