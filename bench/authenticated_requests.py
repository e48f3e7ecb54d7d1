"""Authenticated requests a second, by Rollcall and by the same handlers in FastAPI.

    python bench/authenticated_requests.py [--seconds 4] [--rounds 5]

One SQLite database, one access token, one client over eight connections. Both check the token and the session, ask the
same queries for the same models, and write one line a request into a file; ours is `rollcall serve` as it runs, with
request ids, metrics, limits, security headers and ETags, theirs has none of that. Rounds take turns, so that a busy
moment of the machine hits both.
"""

import argparse
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":  # for `bench.parts` and `tests`, wherever it is started from
    sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.parts.child import Child
from bench.parts.report import figure, median
from tests.journeys.server import RollcallServer

BAR = 1.0
CONNECTIONS = 8
USERS = 40
ASKED = (("GET auth/me", "/api/v1/auth/me"), ("GET users, 20 of 43", "/api/v1/users"))


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=float, default=4.0)
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    missed = False
    with tempfile.TemporaryDirectory() as folder, RollcallServer(Path(folder)) as server, server.login() as api:
        for number in range(USERS + 2):
            who = {"email": f"user{number}@site.example", "fullName": f"User {number}", "role": "Viewer"}
            api.post("users", {**who, "password": "a long enough password"})
        token = api.token
        data = Path(folder) / "data"
        url = f"sqlite+aiosqlite:///{data / 'rollcall.db'}"
        secret = (data / "secret.key").read_text().split()[0]
        with Child("plain_api", url, secret) as plain, Child("asker") as asker:
            ports = {"ours": server.port, "theirs": plain.hello["port"]}
            for name, path in ASKED:
                rates: dict[str, list[float]] = {"ours": [], "theirs": []}
                for round_ in range(chosen.rounds + 1):
                    for whose, port in ports.items():
                        done = asker.ask(port, path, token, CONNECTIONS, chosen.seconds)
                        if round_:  # the first one warms up
                            rates[whose].append(done["requests"] / done["seconds"])
                ours, theirs = median(rates["ours"]), median(rates["theirs"])
                figure(f"{name}, requests a second", ours, ("fastapi", theirs), bar=f"at least {BAR}")
                missed = missed or ours / theirs < BAR
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
