"""`rollcall models eval`: how well the chosen packs tell people apart, measured on photos of one's own."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from server.chosen import chosen_pack, pack_folders
from server.clock import SystemClock
from server.errors import Invalid, NotFound
from server.evaluation import plots
from server.evaluation.attacks import LIVE, judge
from server.evaluation.pairs import read_pairs
from server.evaluation.photos import Look, gathered, look, measure, photos_in
from server.evaluation.report import Evaluation, compared, drawn, lines, report
from server.evaluation.scores import curve, listed_pairs
from server.objects.objects import Objects
from server.opening import open_storage, open_store, prepare
from server.settings import Settings
from server.store import evaluations
from server.vision.detector import FaceDetector, open_detector
from server.vision.embedder import FaceEmbedder, open_embedder
from server.vision.liveness import open_liveness
from server.vision.packs import find_pack


def evaluate(
    folder: Annotated[
        Path | None, typer.Argument(help="Folders of people with photos in them: name/photo.jpg.")
    ] = None,
    pairs: Annotated[Path | None, typer.Option(help="Pairs to compare, in LFW's format; every pair if none.")] = None,
    photos: Annotated[int, typer.Option(min=1, help="Photos of each person in the galleries.")] = 3,
    detector: Annotated[str | None, typer.Option(help="A pack; the chosen one if none.")] = None,
    embedder: Annotated[str | None, typer.Option(help="A pack; the chosen one if none.")] = None,
    plot_folder: Annotated[Path | None, typer.Option("--plots", help="Draws roc.png and det.png here.")] = None,
    pad: Annotated[
        Path | None, typer.Option(help="Judges --liveness on a folder of live/, print/, replay/ … instead.")
    ] = None,
    liveness: Annotated[str | None, typer.Option(help="The liveness pack for --pad.")] = None,
    site: Annotated[
        bool, typer.Option("--site", help="On what is enrolled here, and on sightings that were put right.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Measures accuracy, TAR at FAR, FPIR and FNIR by gallery size, failures to enrol, and milliseconds a face."""
    if pad is not None:
        typer.echo(judged(Settings(), pad, liveness, detector, as_json))
        return
    if site and (folder or pairs):
        raise Invalid("--site looks at what is stored here: it takes neither a folder nor pairs.", code="usage")
    if not site and folder is None:
        raise Invalid("Name a folder of people with photos in them, or --site.", code="no_photos")
    settings = Settings()
    if folder is None:
        found = asyncio.run(examine_site(settings, *_opened(settings, detector, embedder), photos))
    else:
        found = examine(settings, folder, pairs, photos, detector, embedder)
    if plot_folder is not None:
        plots.draw(curve(found.scores), f"{found.embedder} on {folder.name if folder else 'this site'}", plot_folder)
    typer.echo(json.dumps(report(found), indent=2) if as_json else "\n".join(lines(found)))


def judged(settings: Settings, folder: Path, liveness: str | None, detector: str | None, as_json: bool) -> str:
    """APCER of each kind of attack, BPCER and ACER of a liveness pack."""
    if liveness is None:
        raise Invalid("Name the pack that is to be judged: --liveness NAME.", code="no_liveness_pack")
    folders, chosen = pack_folders(settings), settings.inference
    providers, threads = list(chosen.providers) or None, chosen.threads or None
    finds = find_pack(detector, *folders) if detector else chosen_pack(settings, "detector")
    finder = open_detector(finds, providers=providers, threads=threads, input_width=chosen.input_width_px)
    check = open_liveness(find_pack(liveness, *folders), providers=providers, threads=threads)
    found = judge(folder, finder, check, check.settings.threshold)
    if as_json:
        values = {"liveness": check.pack.label, "threshold": found.threshold, "apcer": found.apcer}
        more = {"bpcer": found.bpcer, "acer": found.acer, "judged": found.judged, "withoutFace": found.without_face}
        return json.dumps({**values, **more}, indent=2)
    attacks = "\n".join(f"{kind}: APCER {rate:.2%} of {found.judged[kind]}" for kind, rate in found.apcer.items())
    return (
        f"{check.pack.label} at {found.threshold:g}: BPCER {found.bpcer:.2%} of {found.judged[LIVE]}, "
        f"ACER {found.acer:.2%}; {sum(found.without_face.values())} pictures without a face\n{attacks}"
    )


def examine(
    settings: Settings,
    folder: Path,
    pairs: Path | None = None,
    photos: int = 3,
    detector: str | None = None,
    embedder: str | None = None,
) -> Evaluation:
    """Open the packs, embed every photo once, and compare."""
    finder, teller = _opened(settings, detector, embedder)
    listed = photos_in(folder)
    wanted = None if pairs is None else read_pairs(pairs, listed)
    measured = measure(listed, finder, teller, teller.dimension)
    faces = measured.faces
    scores = None if wanted is None else listed_pairs(faces.vectors, faces.usable, wanted)
    return compared(finder, teller, measured, photos, scores)


async def examine_site(settings: Settings, finder: FaceDetector, teller: FaceEmbedder, photos: int) -> Evaluation:
    """What is stored here: the photos that people are enrolled with, and the faces of the sightings that an operator
    has put right. The outcome is kept for the page."""
    await prepare(settings)
    objects = open_storage(settings, SystemClock())
    async with open_store(settings) as store:
        async with store.read() as session:
            pictures = await evaluations.pictures(session)
        if not pictures:
            raise Invalid("Nobody is enrolled here.", code="no_photos")
        looks = [await _look(objects, key, finder, teller) for _, key in pictures]
        owners = [person_id for person_id, _ in pictures]
        found = compared(finder, teller, gathered(owners, looks, teller.dimension), photos)
        async with store.transaction() as session:
            await evaluations.keep(session, report(found) | {"det": drawn(found)})
    return found


async def _look(objects: Objects, key: str, finder: FaceDetector, teller: FaceEmbedder) -> Look | None:
    """None too for a picture that retention has taken meanwhile."""
    try:
        content = await objects.get(key)
    except NotFound:
        return None
    return await asyncio.to_thread(look, content, finder, teller)


def _opened(settings: Settings, detector: str | None, embedder: str | None) -> tuple[FaceDetector, FaceEmbedder]:
    folders, chosen = pack_folders(settings), settings.inference
    finds = find_pack(detector, *folders) if detector else chosen_pack(settings, "detector")
    tells = find_pack(embedder, *folders) if embedder else chosen_pack(settings, "embedder")
    providers, threads = list(chosen.providers) or None, chosen.threads or None
    return (
        open_detector(finds, providers=providers, threads=threads, input_width=chosen.input_width_px),
        open_embedder(tells, providers=providers, threads=threads),
    )
