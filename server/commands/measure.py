"""`rollcall models bench`: how long the chosen packs take here, by batch and by size of picture."""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Annotated

import numpy as np
import typer

from server.chosen import chosen_pack, pack_folders
from server.settings import Settings
from server.vision.detector import FaceDetector, open_detector
from server.vision.embedder import FaceEmbedder, open_embedder
from server.vision.packs import find_pack

BATCHES = (1, 8)
# Width and height of what the detector is given.
PICTURES = ((320, 192), (640, 384))


def bench(
    detector: Annotated[str | None, typer.Option(help="A pack; the chosen one if none.")] = None,
    embedder: Annotated[str | None, typer.Option(help="A pack; the chosen one if none.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Runs of each, of which the middle one is told.")] = 20,
) -> None:
    """Measures milliseconds a face at batch 1 and 8, and a picture at 320x192 and 640x384."""
    settings = Settings()
    folders, chosen = pack_folders(settings), settings.inference
    providers, threads = list(chosen.providers) or None, chosen.threads or None
    finds = find_pack(detector, *folders) if detector else chosen_pack(settings, "detector")
    tells = find_pack(embedder, *folders) if embedder else chosen_pack(settings, "embedder")
    # As wide as the widest picture, so that none is scaled before it is looked at.
    finder = open_detector(finds, providers=providers, threads=threads, input_width=max(PICTURES)[0])
    teller = open_embedder(tells, providers=providers, threads=threads)
    for batch in BATCHES:
        typer.echo(f"{tells.label} on {teller.provider}, batch {batch}: {face_ms(teller, batch, rounds):.2f} ms a face")
    for width, height in PICTURES:
        took = picture_ms(finder, width, height, rounds)
        typer.echo(f"{finds.label} on {finder.provider}, {width}x{height}: {took:.2f} ms a picture")


def face_ms(embedder: FaceEmbedder, batch: int, rounds: int) -> float:
    """Milliseconds a face, in batches of that many."""
    side = embedder.chip_size
    chips = np.random.default_rng(1).integers(0, 256, (batch, side, side, 3), np.uint8)
    return middle_ms(lambda: embedder.embed(chips), rounds) / batch


def picture_ms(detector: FaceDetector, width: int, height: int, rounds: int) -> float:
    """Milliseconds a picture of that size, with all that comes before and after the network."""
    picture = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    return middle_ms(lambda: detector.detect([picture]), rounds)


def middle_ms(run: Callable[[], object], rounds: int) -> float:
    """The median of so many runs, after one that does not count."""
    run()
    took = []
    for _ in range(rounds):
        started = perf_counter()
        run()
        took.append((perf_counter() - started) * 1000)
    return median(took)
