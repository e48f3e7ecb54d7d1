"""The days of 1,000 people over a month as a file: how long it takes, and the most memory that its process had.

    python bench/month_export.py [--people 1000] [--formats xlsx csv]

A database of SQLite is filled with people of 20 departments who work a day shift in Berlin, check out for lunch, are
late, ill or stay longer. Each file is made in a process of its own, as a job makes it: the days are worked out from
the entries, and the XLSX has a summary, a sheet of all days and one of each department. One line a figure; the ratios
are to what is allowed: 60 s, and 300 MB resident at the peak, everything that the process has imported included.
"""

import argparse
import asyncio
import json
import random
import resource
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from time import perf_counter
from zoneinfo import ZoneInfo

from bench.parts.report import figure, note
from server.clock import SystemClock
from server.jobs.days_export import Asked, DaysExport
from server.jobs.days_file import Format
from server.store.engine import Store
from server.store.migrate import upgrade
from server.store.runtime import RuntimeSettings, RuntimeState, SiteSettings
from server.store.tables import Department, Entry, Person, Schedule, Shift, Site

ALLOWED_S, ALLOWED_MB = 60.0, 300.0
FIRST, LAST = date(2026, 1, 1), date(2026, 1, 31)
DEPARTMENTS = 20
ZONE = ZoneInfo("Europe/Berlin")
RULES = {"start": "09:00", "end": "17:00", "breakMinutes": 30, "graceLateMinutes": 5, "days": [1, 2, 3, 4, 5]}


async def fill(url: str, people: int) -> int:
    """How many entries there are."""
    await upgrade(url)
    chance, count = random.Random(8), 0
    site, shift = Site(name="Berlin", timezone=ZONE.key), Shift(name="Day", rules=RULES)
    crews = [Department(name=f"Department {number:02}") for number in range(DEPARTMENTS)]
    everybody = Schedule(shift_id=shift.id, first_date=FIRST)
    async with Store(url) as store:
        async with store.transaction() as session:
            session.add_all([site, shift, *crews])
            await session.flush()
            session.add(everybody)
        for number in range(people):
            crew = crews[number % DEPARTMENTS]
            one = Person(
                full_name=f"Person {number:05}", employee_id=f"E{number}", department_id=crew.id, site_id=site.id
            )
            entries = [
                Entry(person_id=one.id, at=at, direction="out" if turn % 2 else "in", origin="manual", why="by_hand")
                for day in range((LAST - FIRST).days + 1)
                for turn, at in enumerate(moments(FIRST + timedelta(days=day), chance))
            ]
            async with store.transaction() as session:
                session.add(one)
                await session.flush()
                session.add_all(entries)
            count += len(entries)
    return count


def moments(day: date, chance: random.Random) -> list[datetime]:
    """Comes, goes to lunch, is back, and goes; nobody at weekends, and somebody is always ill."""
    if day.isoweekday() > 5 or chance.random() < 0.04:
        return []
    start = datetime.combine(day, time(9), ZONE).astimezone(UTC)
    lunch = 180 + chance.random() * 60
    seconds = (chance.gauss(-2, 6) * 60, lunch * 60, (lunch + chance.uniform(20, 55)) * 60, chance.gauss(488, 15) * 60)
    return [start + timedelta(seconds=round(one)) for one in seconds]


async def measure(url: str, wanted: Format) -> dict[str, float]:
    """In the process that does nothing else."""
    settings = RuntimeSettings(site=SiteSettings(timezone=ZONE.key))
    async with Store(url) as store:
        export = DaysExport(store, RuntimeState(store, settings), SystemClock())
        asked = Asked(format=wanted, first=FIRST, last=LAST)
        with tempfile.TemporaryFile() as file:
            started = perf_counter()
            who = await export.people(asked, 1_000_000, "")
            rows = await export.write(file, asked, who, _heard)
            took_s = perf_counter() - started
            size = file.seek(0, 2)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return {"seconds": took_s, "rows": rows, "peak_mb": peak_mb, "file_mb": size / 1e6}


async def _heard(_done: int, _total: int) -> None:
    """Progress."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1_000)
    parser.add_argument("--formats", nargs="+", choices=["xlsx", "csv"], default=["xlsx", "csv"])
    parser.add_argument("--measure", nargs=2, metavar=("URL", "FORMAT"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        url, wanted = asked.measure
        print(json.dumps(asyncio.run(measure(url, wanted))))
        return 0
    good = True
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'month.sqlite'}"
        entries = asyncio.run(fill(url, asked.people))
        note(f"{asked.people:,} people, {FIRST} to {LAST}: {entries:,} entries")
        for wanted in asked.formats:
            command = [sys.executable, __file__, "--measure", url, wanted]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found = json.loads(done.stdout.splitlines()[-1])
            note(f"{wanted}: {found['rows']:,.0f} rows, {found['file_mb']:.1f} MB")
            figure(f"month_export_s, {wanted}", found["seconds"], ("allowed", ALLOWED_S))
            figure(f"month_export_peak_mb, {wanted}", found["peak_mb"], ("allowed", ALLOWED_MB))
            good = good and found["seconds"] <= ALLOWED_S and found["peak_mb"] <= ALLOWED_MB
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
