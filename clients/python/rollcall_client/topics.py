"""The topics, each with the type of its events. Made from the server's: `make clients` writes it anew."""

from typing import Literal, overload

from rollcall_client.event_types import (
    AlertsEvent,
    AttendanceEvent,
    CamerasEvent,
    Filter,
    JobsEvent,
    SightingsEvent,
    SystemStatsEvent,
)
from rollcall_client.items import AnyEvent, Cursor
from rollcall_client.subscription import Subscription


class Topics:
    """What a subscription to each of them gives."""

    @overload
    def subscribe(
        self,
        topic: Literal["sightings"],
        *,
        since: Cursor | str | None = None,
        filter: Filter | None = None,
        snapshot: bool = False,
    ) -> Subscription[SightingsEvent]: ...

    @overload
    def subscribe(
        self,
        topic: Literal["attendance"],
        *,
        since: Cursor | str | None = None,
        filter: Filter | None = None,
        snapshot: bool = False,
    ) -> Subscription[AttendanceEvent]: ...

    @overload
    def subscribe(
        self,
        topic: Literal["cameras"],
        *,
        since: Cursor | str | None = None,
        filter: Filter | None = None,
        snapshot: bool = False,
    ) -> Subscription[CamerasEvent]: ...

    @overload
    def subscribe(
        self,
        topic: Literal["alerts"],
        *,
        since: Cursor | str | None = None,
        filter: Filter | None = None,
        snapshot: bool = False,
    ) -> Subscription[AlertsEvent]: ...

    @overload
    def subscribe(
        self,
        topic: Literal["jobs"],
        *,
        since: Cursor | str | None = None,
        filter: Filter | None = None,
        snapshot: bool = False,
    ) -> Subscription[JobsEvent]: ...

    @overload
    def subscribe(
        self,
        topic: Literal["system/stats"],
        *,
        since: Cursor | str | None = None,
        filter: Filter | None = None,
        snapshot: bool = False,
    ) -> Subscription[SystemStatsEvent]: ...

    @overload
    def subscribe(
        self,
        topic: str,
        *,
        since: Cursor | str | None = None,
        filter: Filter | None = None,
        snapshot: bool = False,
    ) -> Subscription[AnyEvent]: ...

    def subscribe(
        self,
        topic: str,
        *,
        since: Cursor | str | None = None,
        filter: Filter | None = None,
        snapshot: bool = False,
    ) -> (
        Subscription[SightingsEvent]
        | Subscription[AttendanceEvent]
        | Subscription[CamerasEvent]
        | Subscription[AlertsEvent]
        | Subscription[JobsEvent]
        | Subscription[SystemStatsEvent]
        | Subscription[AnyEvent]
    ):
        """Follow a topic, from now on or on from the place `since`; it goes on where it was after a lost connection.

        With `snapshot` a Resync with the state comes first where there is no `since`, and whenever history was lost."""
        return self._open(topic, since, filter, snapshot)

    def _open(
        self, topic: str, since: Cursor | str | None, wanted: Filter | None, snapshot: bool
    ) -> Subscription[AnyEvent]:
        raise NotImplementedError
