"""What an evaluation comes to: figures for programs, lines for people."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from server.errors import Invalid
from server.evaluation.open_set import Identification, identify, sizes_for
from server.evaluation.photos import Measured
from server.evaluation.scores import Accuracy, Scores, accuracy, curve, every_pair, tar_by_far
from server.identity.gallery import Thresholds
from server.vision.detector import FaceDetector
from server.vision.embedder import FaceEmbedder
from server.vision.packs import Pack


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """All that was found out."""

    detector: str
    embedder: str
    provider: str
    measured: Measured
    scores: Scores
    accuracy: Accuracy | None
    tar: dict[float, tuple[float | None, float | None]]
    identification: list[Identification]


def compared(
    detector: FaceDetector, embedder: FaceEmbedder, measured: Measured, photos: int, scores: Scores | None = None
) -> Evaluation:
    """Everything that the embeddings tell: of these pairs, or of every pair. Raises Invalid where there is nothing to
    compare."""
    faces = measured.faces
    scores = scores or every_pair(faces.vectors, faces.people, faces.usable)
    if not len(scores.same) or not len(scores.different):
        raise Invalid("There is nothing to compare: at least two people, one of them with two photos.", code="no_pairs")
    return Evaluation(
        detector.pack.label, embedder.pack.label, embedder.provider, measured, scores, accuracy(scores),
        tar_by_far(scores), _identified(measured, embedder.pack, photos),
    )  # fmt: skip


def _identified(measured: Measured, pack: Pack, photos: int) -> list[Identification]:
    thresholds = Thresholds(pack.thresholds)
    sizes = sizes_for(measured.faces, photos)
    return [identify(measured.faces, size, photos, thresholds, pack.margin) for size in sizes]


def report(found: Evaluation) -> dict[str, object]:
    """For programs. What cannot be told from so few photos is null."""
    judged = found.accuracy
    return {
        "detector": found.detector,
        "embedder": found.embedder,
        "provider": found.provider,
        "people": len(found.measured.names),
        "photos": len(found.measured.faces.usable),
        "pairs": {"same": len(found.scores.same), "different": len(found.scores.different)},
        "failureToEnrol": found.measured.failure_to_enrol,
        "accuracy": judged.mean if judged else None,
        "accuracySpread": judged.spread if judged else None,
        "threshold": judged.threshold if judged else None,
        "tar": {_power(far): tar for far, (tar, _) in found.tar.items()},
        "thresholdAtFar": {_power(far): threshold for far, (_, threshold) in found.tar.items()},
        "galleryPhotos": found.identification[0].photos if found.identification else None,
        "fpir": _by_size(found, lambda one: one.fpir),
        "fnir": _by_size(found, lambda one: one.fnir),
        "galleryThreshold": _by_size(found, lambda one: one.threshold),
        "fnirAtFpir1Percent": _by_size(found, lambda one: one.fnir_at_1_percent),
        "thresholdAtFpir1Percent": _by_size(found, lambda one: one.threshold_at_1_percent),
        "msPerFace": median(found.measured.ms) if found.measured.ms else None,
    }


def drawn(found: Evaluation, points: int = 48) -> list[list[float]]:
    """The DET curve: the share of strangers that are accepted, and of true pairs that are refused."""
    line = curve(found.scores, points)
    return [[float(far), float(frr)] for far, frr in zip(line.far, line.frr, strict=True)]


def _power(far: float) -> str:
    """1e-3, as papers write it."""
    return f"{far:.0e}".replace("e-0", "e-")


def _by_size(found: Evaluation, value: Callable[[Identification], float | None]) -> dict[str, float | None]:
    return {str(one.people): value(one) for one in found.identification}


def lines(found: Evaluation) -> list[str]:
    """For people."""
    measured, judged = found.measured, found.accuracy
    photos = len(measured.faces.usable)
    shown = [
        f"{found.embedder} with {found.detector} on {found.provider}",
        f"{len(measured.names)} people, {photos} photos, {measured.failure_to_enrol:.1%} without a face; "
        f"{len(found.scores.same)} pairs of one person, {len(found.scores.different)} of two",
    ]
    if judged:
        shown.append(f"accuracy {judged.mean:.2%} ± {judged.spread:.2%} at a cosine of {judged.threshold:.3f}")
    for far, (tar, threshold) in found.tar.items():
        told = "too few pairs of two people to tell" if tar is None else f"{tar:.2%} at a cosine of {threshold:.3f}"
        shown.append(f"TAR at FAR {_power(far)}: {told}")
    for one in found.identification:
        line = f"{one.people} enrolled, {one.photos} photos each, threshold {one.threshold:.3f}: "
        line += f"FPIR {one.fpir:.2%}, FNIR {one.fnir:.2%}"
        if one.fnir_at_1_percent is not None:
            line += f"; FNIR {one.fnir_at_1_percent:.2%} at FPIR 1% (cosine {one.threshold_at_1_percent:.3f})"
        shown.append(line)
    if measured.ms:
        shown.append(f"{median(measured.ms):.1f} ms a face: found, aligned and embedded")
    return shown
