"""One subscription of one connection: where it stands, and what it sends next."""

import enum
from collections.abc import Callable

from server.events.encoding import Encoded
from server.events.feed import Feed
from server.events.limits import EVERYTHING, Reach
from server.events.outlet import Outlet
from server.events.pages import Page
from server.events.schema import Filter


class Step(enum.Enum):
    """HELD until `subscribed` has gone out; then CATCHING_UP until the head was reached once; then LIVE."""

    HELD = enum.auto()
    CATCHING_UP = enum.auto()
    LIVE = enum.auto()
    ENDED = enum.auto()


class Subscription:
    """Follows a durable topic by an offset of its own: what it has not sent yet stays in the feed or in the log."""

    def __init__(
        self,
        subscription_id: int,
        topic: str,
        wanted: Filter | None,
        outlet: Outlet,
        *,
        reach: Reach = EVERYTHING,
        on_behind: Callable[[], None],
        on_slow: Callable[[], None],
    ) -> None:
        self.id = subscription_id
        self.topic = topic
        self.wanted = wanted or None
        self.reach = reach
        self.step = Step.HELD
        self.feed: Feed | None = None
        self.cursor = 0
        self.previous = 0
        self.skipped = 0
        self.outlet = outlet
        self._on_behind = on_behind
        self._on_slow = on_slow
        self._latest: Encoded | None = None

    def follow(self, feed: Feed, after: int) -> None:
        """From that offset on; nothing goes out before release()."""
        self.feed = feed
        self.cursor = self.previous = after
        feed.followers[self] = None

    def release(self) -> None:
        """`subscribed` has gone out."""
        if self.step is Step.HELD:
            self.step = Step.CATCHING_UP
            self.advance()

    def end(self) -> None:
        """Nothing more goes out."""
        self.step = Step.ENDED
        if self.feed is not None:
            self.feed.followers.pop(self, None)

    @property
    def needs_log(self) -> bool:
        """Whether what comes next is not in memory any more."""
        running = self.step is Step.CATCHING_UP or self.step is Step.LIVE
        return running and self.feed is not None and self.cursor + 1 < self.feed.first

    def advance(self) -> None:
        """Sends what follows the cursor as long as the client takes it."""
        feed = self.feed
        if self.step is Step.HELD or self.step is Step.ENDED:
            return
        if feed is None:
            self._send_latest()
            return
        while True:
            if self.cursor >= feed.head:
                self.step = Step.LIVE
                return
            if not self.outlet.ready:
                break
            if self.cursor + 1 < feed.first:
                self._on_behind()
                return
            batch, self.cursor, self.previous = feed.batch(self.id, self.wanted, self.cursor, self.previous, self.reach)
            if batch is not None:
                self.outlet.write(batch)
        if self.step is Step.LIVE and feed.too_far_behind(self.cursor):
            self._on_slow()

    def replay(self, page: Page) -> bool:
        """Sends what was read from the log; False where it does not go on after what was sent before."""
        if not page.follows(self.cursor):
            return False
        batch, self.cursor, self.previous = page.batch(self.id, self.wanted, self.cursor, self.previous, self.reach)
        if batch is not None:
            self.outlet.write(batch)
        return True

    def show(self, event: Encoded) -> None:
        """A volatile event: the newest one waits for a slow reader, older ones are skipped and counted."""
        if not event.matches(self.wanted, self.reach):
            return
        event = event.shown_to(self.reach)
        if self._latest is not None:
            self.skipped += 1
        self._latest = event
        self.advance()

    def _send_latest(self) -> None:
        if self._latest is not None and self.outlet.ready:
            event, self._latest = self._latest, None
            self.outlet.write(event.volatile_message(self.id))
