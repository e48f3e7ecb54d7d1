"""Liveness beside the resolver: the landmarks of every frame, the network's word on who was recognised."""

from datetime import UTC, datetime

import numpy as np
import pytest

from server.errors import TooMany
from server.identity.gallery import Match
from server.identity.liveness import LivenessJudge, LivenessRules
from server.identity.resolver import Resolver
from server.identity.votes import Vote
from server.pipeline.liveness import PassiveCheck, TrackLiveness
from server.vision.detections import Floats, Pixels
from server.vision.tracker import Track

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
IMAGE = np.zeros((480, 640, 3), np.uint8)
FACE = np.array([[300, 200], [364, 200], [332, 240], [306, 274], [358, 274]], np.float32)


def track(number: int, at_s: float, nose: float = 0.0) -> Track:
    points = FACE.copy()
    points[2, 0] += nose * 64
    box = np.array([270, 160, 390, 310], np.float32)
    return Track(number, box, points, 0.9, 5, 0, 0.0, at_s, True)


class Network:
    """Says how live everything is that it looks at, and remembers how much that was."""

    def __init__(self, share: float) -> None:
        self.share = share
        self.looked_at = 0
        self.busy = False

    def chips(self, image: Pixels, boxes: Floats) -> Pixels:
        return np.zeros((len(boxes), 8, 8, 3), np.uint8)

    async def run(self, chips: Pixels) -> Floats:
        if self.busy:
            raise TooMany("Too many.", retry_after_s=1)
        self.looked_at += len(chips)
        return np.full((len(chips), 1), self.share, np.float32)


def vote_for(resolver: Resolver, number: int) -> None:
    embedding = np.array([1.0, 0.0], np.float32)
    match = Match("ada", "template", 0.9, 0.5)
    for _ in range(3):
        resolver.vote(number, AT, Vote(match, embedding, 1.0), 0.5)


async def watched(one: TrackLiveness, resolver: Resolver, *, turns: bool) -> list[str]:
    """Eight seconds of Ada, and what became news of her sighting."""
    news = []
    for number in range(40):
        at_s = number / 5
        seen = track(1, at_s, 0.3 * float(np.sin(number * 0.4)) if turns else 0.0)
        one.saw([seen, track(2, at_s)], at_s)
        one.voted(seen, "ada")
        one.voted(track(2, at_s), None)
        await one.check(IMAGE)
        for change in one.judge(resolver, [seen, track(2, at_s)], AT):
            assert change.kind == "judged"
            assert change.sighting.shown is not None
            news.append(change.sighting.shown.liveness.value)
    return news


@pytest.fixture
def resolver() -> Resolver:
    made = Resolver("camera", "pack")
    vote_for(made, 1)
    return made


async def test_it_is_told_once_what_a_sighting_has_shown(resolver: Resolver) -> None:
    """That she lives is news once; of the stranger beside her nothing is."""
    one = TrackLiveness(LivenessJudge())
    assert await watched(one, resolver, turns=True) == ["live"]
    assert not one.is_fake(1)


async def test_the_network_looks_at_who_was_recognised(resolver: Resolver) -> None:
    """And at nobody else; what it takes for a picture is one."""
    network = Network(0.1)
    one = TrackLiveness(LivenessJudge(LivenessRules(least_share=0.5)), PassiveCheck(network.chips, network.run))
    assert await watched(one, resolver, turns=True) == ["spoof"]
    assert network.looked_at == 40
    assert one.is_fake(1)
    assert not one.is_fake(2)


async def test_without_the_networks_word_nobody_lives(resolver: Resolver) -> None:
    """A device that is behind costs its word, not the frame."""
    network = Network(0.9)
    network.busy = True
    one = TrackLiveness(LivenessJudge(LivenessRules(least_share=0.5)), PassiveCheck(network.chips, network.run))
    assert await watched(one, resolver, turns=True) == []
    network.busy = False
    assert await watched(one, resolver, turns=True) == ["live"]


async def test_where_nobody_asks_nothing_is_judged(resolver: Resolver) -> None:
    """The policy is off."""
    one = TrackLiveness(None)
    assert await watched(one, resolver, turns=True) == []
    assert not one.wants_vote(1, 9)
    one.ended(1)


async def test_another_name_begins_anew(resolver: Resolver) -> None:
    """What was shown as Ada says nothing of the sighting once it is somebody else's."""
    one = TrackLiveness(LivenessJudge())
    await watched(one, resolver, turns=True)
    [state] = resolver.open_sightings()
    assert state.shown is not None
    resolver.correct(state.id, "bob")
    [state] = resolver.open_sightings()
    assert (state.person_id, state.shown) == ("bob", None)
    assert one.judge(resolver, [track(1, 9)], AT) == []
