"""How well people are told apart beside face_recognition's dlib network, through the same code on the same photos.

    python bench/eval_beside_dlib.py [--photos DIR] [--pairs FILE]

Photos are folders of people, named here or in ROLLCALL_BENCH_PEOPLE. Both networks get the landmarks of the same
detector. The other network is the pack dlib-resnet, the weights of face_recognition converted: the package itself
compiles for minutes and finds faces in another way, which bench/recognition.py compares. One line a figure.
"""

import argparse
import os
from pathlib import Path
from statistics import median

from bench.parts.report import figure, note
from server.chosen import chosen_name, pack_folders
from server.commands.evaluate import examine
from server.evaluation.report import Evaluation
from server.settings import Settings
from server.vision.packs import find_pack

OTHER = "dlib-resnet"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--photos", type=Path, default=os.environ.get("ROLLCALL_BENCH_PEOPLE"))
    options.add_argument("--pairs", type=Path)
    chosen = options.parse_args()
    settings = Settings()
    if chosen.photos is None or not Path(chosen.photos).is_dir():
        note("skipped: --photos or ROLLCALL_BENCH_PEOPLE names a folder of people with photos in them")
        return
    if not find_pack(OTHER, *pack_folders(settings)).built:
        note(f"skipped: {OTHER} is not there: rollcall models build {OTHER}")
        return
    ours = examine(settings, Path(chosen.photos), chosen.pairs)
    theirs = examine(settings, Path(chosen.photos), chosen.pairs, embedder=OTHER)
    measured = ours.measured
    note(
        f"{chosen_name(settings, 'embedder')} beside {OTHER}: {len(measured.names)} people, "
        f"{len(measured.faces.usable)} photos"
    )
    told(ours, theirs)


def told(ours: Evaluation, theirs: Evaluation) -> None:
    """Every figure of both, in percent, where there were photos enough."""
    if ours.accuracy and theirs.accuracy:
        figure("accuracy, %", 100 * ours.accuracy.mean, ("dlib", 100 * theirs.accuracy.mean))
    for far, (tar, _) in ours.tar.items():
        other = theirs.tar[far][0]
        if tar is not None and other is not None:
            figure(f"true pairs accepted at FAR {far:g}, %", 100 * tar, ("dlib", 100 * other))
    for mine, other_one in zip(ours.identification, theirs.identification, strict=True):
        size = f"{mine.people} enrolled, {mine.photos} photos each"
        figure(f"strangers named, {size}, %", 100 * mine.fpir, ("dlib", 100 * other_one.fpir))
        figure(f"people missed, {size}, %", 100 * mine.fnir, ("dlib", 100 * other_one.fnir))
    if ours.measured.ms:
        figure("ms a face", median(ours.measured.ms), ("dlib", median(theirs.measured.ms)))


if __name__ == "__main__":
    main()
