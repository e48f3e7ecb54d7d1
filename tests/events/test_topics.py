"""The table of topics."""

import pytest

from server.events.facts import FACTS
from server.events.topics import KIOSK, TOPIC_KINDS, check_event_type, find_topic


@pytest.mark.parametrize(
    ("name", "address", "subject", "durable", "permission"),
    [
        ("sightings", "sightings", None, True, "sightings:read"),
        ("attendance", "attendance", None, True, "attendance:read"),
        ("cameras", "cameras", None, True, "cameras:read"),
        ("alerts", "alerts", None, True, "alerts:read"),
        ("jobs", "jobs", None, True, "jobs:read"),
        ("kiosks/0a-1", "kiosks/{id}", "0a-1", True, "kiosks:read"),
        ("cameras/0a-1/tracks", "cameras/{id}/tracks", "0a-1", False, "cameras:read"),
        ("system/stats", "system/stats", None, False, "system:read"),
    ],
)
def test_every_topic_of_the_contract(name: str, address: str, subject: str, durable: bool, permission: str) -> None:
    """Name, durability and permission are as the contract says."""
    topic = find_topic(name)
    assert topic is not None
    assert (topic.kind.address, topic.subject) == (address, subject)
    assert (topic.kind.durable, topic.kind.permission) == (durable, permission)


@pytest.mark.parametrize(
    "name",
    ["", "people", "kiosks", "kiosks/", "kiosks/a/b", "cameras/a", "kiosks/../x", "sightings\n", "kiosks/" + "a" * 65],
)
def test_other_names_are_no_topics(name: str) -> None:
    """Nothing else matches, not even nearly."""
    assert find_topic(name) is None


def test_every_event_type_has_its_facts_and_one_topic() -> None:
    """The set is closed both ways."""
    named = [name for kind in TOPIC_KINDS for name in kind.event_types]
    assert sorted(named) == sorted(FACTS)
    assert KIOSK.address == "kiosks/{id}"


def test_our_own_code_cannot_say_what_the_contract_does_not_know() -> None:
    """A wrong type, a wrong topic, a wrong durability: a mistake of ours, raised at once."""
    check_event_type("alerts", "alert.raised", durable=True)
    for topic, event_type, durable in (
        ("alerts", "job.done", True),
        ("alarms", "alert.raised", True),
        ("system/stats", "system.stats", True),
        ("alerts", "alert.raised", False),
    ):
        with pytest.raises(ValueError, match=topic):
            check_event_type(topic, event_type, durable=durable)
