"""What can end it.

RollcallError
├── ClosedForGood         the server closed, and says not to come back (4500 to 4999)
│   ├── NotAuthenticated  4501
│   ├── NotAllowed        4503
│   ├── SessionEnded      4510
│   └── TooManyBadMessages  4520
├── SubscriptionRefused   one topic is refused; the connection and its other subscriptions go on
├── NotRollcall           whoever answers at that address does not speak the protocol
└── Unreachable           nobody has answered for as long as the caller wanted to wait
"""


class RollcallError(Exception):
    """Everything below. A token provider may raise one, too: then nothing is tried again."""


class ClosedForGood(RollcallError):
    """The server closed the connection with a code that says not to come back."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"Closed by the server with {code}: {reason or 'no reason given'}")
        self.code = code
        self.reason = reason


class NotAuthenticated(ClosedForGood):
    """The token or key is not valid (any more)."""


class NotAllowed(ClosedForGood):
    """The account may not connect, such as before a new password was chosen."""


class SessionEnded(ClosedForGood):
    """The session was signed out, or the key was revoked."""


class TooManyBadMessages(ClosedForGood):
    """This client and the server do not understand one another."""


class SubscriptionRefused(RollcallError):
    """The server does not let this topic be followed: `code` is one of the protocol's error codes."""

    def __init__(self, topic: str, code: str, message: str) -> None:
        super().__init__(f"{topic}: {message} ({code})")
        self.topic = topic
        self.code = code


class NotRollcall(RollcallError):
    """The address leads to something else."""


class Unreachable(RollcallError):
    """Not connected within `give_up_after_s`."""


_BY_CODE: dict[int, type[ClosedForGood]] = {
    4501: NotAuthenticated,
    4503: NotAllowed,
    4510: SessionEnded,
    4520: TooManyBadMessages,
}


def closed_for_good(code: int, reason: str) -> ClosedForGood | None:
    """The error of a close code, or None where it is one to come back after."""
    if not 4500 <= code <= 4999:
        return None
    return _BY_CODE.get(code, ClosedForGood)(code, reason)
