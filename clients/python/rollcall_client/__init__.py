"""Typed events of a Rollcall server.

async with RollcallEvents("https://rollcall.example", api_key=KEY) as events:
    async for event in events.subscribe("attendance"):
        print(event)
"""

from rollcall_client.errors import (
    ClosedForGood,
    NotAllowed,
    NotAuthenticated,
    NotRollcall,
    RollcallError,
    SessionEnded,
    SubscriptionRefused,
    TooManyBadMessages,
    Unreachable,
)
from rollcall_client.event_types import Filter
from rollcall_client.events import RollcallEvents
from rollcall_client.items import AnyEvent, Cursor, Event, Resync
from rollcall_client.subscription import Subscription
from rollcall_client.tokens import Token, TokenProvider

__all__ = [
    "AnyEvent",
    "ClosedForGood",
    "Cursor",
    "Event",
    "Filter",
    "NotAllowed",
    "NotAuthenticated",
    "NotRollcall",
    "Resync",
    "RollcallError",
    "RollcallEvents",
    "SessionEnded",
    "Subscription",
    "SubscriptionRefused",
    "Token",
    "TokenProvider",
    "TooManyBadMessages",
    "Unreachable",
]
