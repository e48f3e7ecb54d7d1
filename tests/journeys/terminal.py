"""An honest double of a terminal of another maker: it keeps what was noted until the server has said 200 of it.

No such device can be here. It speaks the protocol as their makers describe it: options first, then lines by the local
clock in batches under a stamp, the same again after every other answer, and all since the stamp after a restart.
"""

import time
from dataclasses import dataclass, field

import httpx

GIVES_UP_S = 120


@dataclass
class PushTerminal:
    """`url` is the server's."""

    url: str
    serial_number: str
    batch: int = 3
    noted: list[tuple[str, str, str]] = field(default_factory=list)  # PIN, local time and key, for ever
    sent: int = 0  # so many of them the server has taken
    tried: int = 0
    answers: list[int] = field(default_factory=list)

    def press(self, pin: str, local_time: str, key: str = "255") -> None:
        """Somebody is before it; it does not matter whether there is a server."""
        self.noted.append((pin, local_time, key))

    def begin(self) -> dict[str, str]:
        """After it was switched on: how to send, and from where on."""
        params = {"SN": self.serial_number, "options": "all", "language": "69", "pushver": "2.4.1"}
        answer = self._ask("GET", "/iclock/cdata", params)
        assert answer is not None
        assert answer.status_code == 200, answer.text
        head, *rest = answer.text.splitlines()
        assert head == f"GET OPTION FROM: {self.serial_number}"
        told = dict(line.split("=", 1) for line in rest)
        self.sent = int(told["ATTLOGStamp"])
        return told

    def send_once(self) -> bool:
        """The next batch; whether it was taken."""
        some = self.noted[self.sent : self.sent + self.batch]
        stamp = self.sent + len(some)
        body = "".join(f"{pin}\t{at}\t{key}\t15\t0\t0\t0\n" for pin, at, key in some)
        params = {"SN": self.serial_number, "table": "ATTLOG", "Stamp": str(stamp)}
        answer = self._ask("POST", "/iclock/cdata", params, body)
        if answer is None or answer.status_code != 200:
            return False
        assert answer.text == f"OK: {len(some)}"
        self.sent = stamp
        return True

    def send_all(self) -> None:
        """Until everything is taken, whatever the server is doing."""
        until = time.monotonic() + GIVES_UP_S
        while self.sent < len(self.noted):
            assert time.monotonic() < until, f"not all were taken: {self.answers[-5:]}"
            if not self.send_once():
                time.sleep(0.2)

    def _ask(self, method: str, path: str, params: dict[str, str], body: str = "") -> httpx.Response | None:
        self.tried += 1
        try:
            answer = httpx.request(method, f"{self.url}{path}", params=params, content=body.encode(), timeout=30)
        except httpx.TransportError:
            return None
        self.answers.append(answer.status_code)
        return answer
