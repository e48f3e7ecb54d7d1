"""Programs to begin with, as the page of the events shows them. Tests run each of them."""

from dataclasses import dataclass

_PYTHON = """\
import asyncio
import os

from rollcall_client import RollcallEvents


async def main() -> None:
    key = os.environ["ROLLCALL_KEY"]
    async with RollcallEvents("{site}", api_key=key) as events:
        async for item in events.subscribe("cameras", snapshot=True):
            print(item, flush=True)


asyncio.run(main())
"""
_JAVASCRIPT = """\
import {{ Events }} from "rollcall-client";

const events = new Events({{
  url: "{site}",
  token: process.env.ROLLCALL_KEY,
}});
events.subscribe(
  "cameras",
  {{ snapshot: true }},
  (event, place) => console.log(event.type, event.data, place),
  (snapshot) => console.log(snapshot),
);
"""
_CURL = """\
curl -N -H "Authorization: Bearer $ROLLCALL_KEY" \\
    "{site}/api/v1/events/stream?topic=cameras"
"""
_WEBSOCAT = """\
(
  echo '{{"type":"auth","token":"'"$ROLLCALL_KEY"'"}}'
  echo '{{"type":"subscribe","id":1,"topic":"cameras"}}'
  cat
) | websocat --protocol rollcall.v1 {socket}
"""


@dataclass(frozen=True, slots=True)
class Snippet:
    """One program. `needs` says what has to be there before."""

    id: str
    label: str
    needs: str
    text: str


def snippets(site: str) -> tuple[Snippet, ...]:
    """For the server at this address, such as `https://rollcall.example`."""
    socket = f"{site.replace('http', 'ws', 1)}/ws"
    return (
        Snippet("python", "Python", "pip install ./clients/python", _PYTHON.format(site=site)),
        Snippet("javascript", "JavaScript", "npm install ./clients/js", _JAVASCRIPT.format(site=site)),
        Snippet("curl", "curl, by plain HTTP", "", _CURL.format(site=site)),
        Snippet("websocat", "websocat, by hand", "", _WEBSOCAT.format(socket=socket)),
    )
