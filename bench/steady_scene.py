"""CPU cost of a steady scene against detecting and embedding every frame of it at 25 frames a second.

    python bench/steady_scene.py [--rounds 3] [--seconds 7]

The scene is that of the demo's entrance in which Eileen Collins comes up to the counter and stays in view. Ours is
the analysis of a camera as the server builds it (Analyser, InferenceLoop, Resolver), in real time, with frames at the
configured budget. The other finds and embeds every face of every frame, in a plain loop. Both take decoded frames;
a second line adds to both what decoding all of them costs. CPU seconds of the whole process; medians of the rounds.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from time import process_time

import av
import numpy as np

from bench.parts.films import write_film
from bench.parts.report import figure, median
from server.access.keyring import Keyring
from server.access.template_seals import TemplateSeals
from server.bus.memory import MemoryBus
from server.clock import SystemClock
from server.demo.clips import FPS, SCENES, enrolment_photo
from server.identity.enrolment import Enroller
from server.identity.resolver import Resolver, ResolverLimits
from server.identity.votes import IdentityState, VotingRules
from server.ids import new_id
from server.inference.loop import InferenceLoop
from server.loading import Models
from server.media.frame import Frame
from server.pipeline.analyse import Analyser
from server.pipeline.roster import Roster
from server.settings import Settings
from server.store.engine import Store
from server.telemetry import Metrics
from server.vision.detections import Floats
from server.vision.quality import QualityLimits
from server.vision.tracker import Tracker

BEGINS_S = 3.0
MOST = 0.2


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds of one round, and what was done in them."""

    cpu_s: float
    detected: int
    embedded: int
    recognised: bool = True


def decode(film: Path) -> tuple[list[av.VideoFrame], float]:
    """All frames of the film, and the CPU seconds that this took."""
    started = process_time()
    with av.open(str(film)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        frames = list(container.decode(video=0))
    return frames, process_time() - started


def every_frame(models: Models, frames: Sequence[av.VideoFrame]) -> Spent:
    """Detects in and embeds from each frame."""
    embedded = 0
    started = process_time()
    for frame in frames:
        image = frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False)
        [faces] = models.detector.detect([image])
        if len(faces):
            chips = [models.embedder.align(image, landmarks) for _, landmarks, _ in faces]
            embedded += len(models.embedder.embed(np.stack(chips)))
    return Spent(process_time() - started, len(frames), embedded)


async def as_served(models: Models, frames: Sequence[av.VideoFrame], person: Floats, budget: float) -> Spent:
    """One camera's analysis in real time: every frame comes, those on the budget's grid are analysed."""
    clock, metrics = SystemClock(), Metrics()
    device = InferenceLoop(models.detector.detect, models.embedder.embed, clock=clock, watch=metrics)
    async with Store("sqlite+aiosqlite://") as store:
        seals = TemplateSeals(Keyring((new_id(),)))
        roster = Roster(store, models.embedder.pack, seals, MemoryBus())
        roster.add("collins", "Eileen Collins", "photo", person)
        limits = ResolverLimits(voting=VotingRules(margin=models.embedder.pack.margin))
        resolver = Resolver("entrance", models.embedder.pack.label, limits)
        analyser = Analyser(device, Tracker(), resolver, roster, QualityLimits(), models.embedder.align)
        running = asyncio.get_running_loop()
        recognised, due = False, 0.0
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(device.run())
            started, began, began_at = process_time(), running.time(), clock.now()
            for number, picture in enumerate(frames):
                at_s = number / FPS
                if at_s < due - 0.02:
                    continue
                due = max(due + 1 / budget, at_s)
                await asyncio.sleep(max(0.0, began + at_s - running.time()))
                at = began_at + timedelta(seconds=at_s)
                frame = Frame("entrance", picture, number, Fraction(1, FPS), at, clock.monotonic())
                image = await asyncio.to_thread(frame.to_bgr)
                analysis = await analyser.analyse(image, frame.captured_at, frame.captured_monotonic)
                recognised |= any(face.identity.state is IdentityState.RECOGNIZED for face in analysis.faces)
            spent = process_time() - started
            task.cancel()
    return Spent(spent, counted(metrics, "detect"), counted(metrics, "embed"), recognised)


def counted(metrics: Metrics, kind: str) -> int:
    """Pictures or faces that went through the device."""
    value = metrics.registry.get_sample_value("rollcall_inference_batch_size_sum", {"kind": kind})
    return int(value or 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=7.0)
    asked = parser.parse_args()
    settings = Settings()
    models = Models.load(settings)
    person = Enroller(models.detector, models.embedder).examine(enrolment_photo()).embedding
    with tempfile.TemporaryDirectory() as folder:
        film = write_film(Path(folder) / "entrance.mp4", SCENES[0], BEGINS_S, asked.seconds)
        frames, _ = decode(film)
        decoding = median([decode(film)[1] for _ in range(asked.rounds)])
    every_frame(models, frames[:5])  # warms up
    mine, theirs = [], []
    for _ in range(asked.rounds):
        mine.append(asyncio.run(as_served(models, frames, person, settings.inference.frames_per_second)))
        theirs.append(every_frame(models, frames))
    if not all(round_.recognised for round_ in mine):
        raise SystemExit("The person in the scene was not recognised: this figure means nothing.")
    seconds = len(frames) / FPS
    ours, every = (median([one.cpu_s for one in rounds]) / seconds for rounds in (mine, theirs))
    figure("steady_scene_cpu_s_per_s", ours, ("every_frame", every), bar=f"at most {MOST}")
    decoding /= seconds
    figure("steady_scene_cpu_s_per_s, with decoding", ours + decoding, ("every_frame", every + decoding))
    figure("steady_scene_detections", mine[0].detected, ("every_frame", theirs[0].detected))
    figure("steady_scene_embeddings", mine[0].embedded, ("every_frame", theirs[0].embedded))
    return 0 if ours / every <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
