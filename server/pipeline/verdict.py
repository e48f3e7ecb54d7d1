"""The verdict on an accepted photo: what was measured, and what somebody should look at again."""

from dataclasses import asdict
from typing import Any

from server.identity.enrolment import Accepted, Likeness
from server.vision.occlusion import COVERED
from server.wire import to_wire


def numbers(accepted: Accepted, likeness: Likeness) -> dict[str, Any]:
    """Under the names of the wire, rounded to what means something.

    `similarityToOwn` is with the nearest of the person's other photos, `similarityToOthers` with the nearest of
    anybody else's; each is left out where there is none.
    """
    found: dict[str, Any] = {name: round(float(value), 2) for name, value in asdict(accepted.quality).items()}
    found |= {"face_count": accepted.face_count, "occlusion": round(accepted.occlusion, 2)}
    if likeness.own is not None:
        found["similarity_to_own"] = round(likeness.own, 3)
    if likeness.other is not None:
        found["similarity_to_others"] = round(float(likeness.other.similarity), 3)
    return {to_wire(name): value for name, value in found.items()}


def doubts(accepted: Accepted, likeness: Likeness, threshold: float) -> list[dict[str, Any]]:
    """Warnings that name nobody; `threshold` is the least similarity that counts."""
    found = []
    if likeness.own is not None and likeness.own < threshold:
        said = "This face is not like the person's other photos. Check that it is the same person."
        found.append({"code": "unlike_other_photos", "message": said, "similarity": round(likeness.own, 3)})
    if accepted.occlusion >= COVERED:
        said = "Something seems to cover a part of the face. Take off mask and sunglasses."
        found.append({"code": "perhaps_covered", "message": said, "occlusion": round(accepted.occlusion, 2)})
    return found
