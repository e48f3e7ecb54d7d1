"""Seconds from a stored gallery of 100,000 sealed templates to one that can be searched, on SQLite.

    python bench/gallery_load.py [--templates 100000] [--rounds 3]

The other side is the same rows read by sqlite3 and put into a numpy matrix as they are, without opening a seal. The
longest that the event loop did nothing else is told too. One line a figure; medians of the rounds.
"""

import argparse
import asyncio
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from time import perf_counter

import numpy as np
from sqlalchemy import insert
from sqlmodel import SQLModel

from bench.parts.report import figure, median
from server.access.keyring import Keyring
from server.access.template_seals import TemplateSeals
from server.bus.memory import MemoryBus
from server.ids import new_id
from server.loading import Models
from server.pipeline.roster import Roster
from server.settings import Settings
from server.store import migrate
from server.store.engine import Store
from server.store.tables import Person, Photo, Template
from server.vision.packs import Pack

PHOTOS = 3
MOST_S = 5.0
AT_ONCE = 3_000
BEAT_S = 0.01


async def fill(store: Store, seals: TemplateSeals, pack: Pack, count: int) -> None:
    """People with three photos each."""
    random = np.random.default_rng(1)
    for first in range(0, count, AT_ONCE):
        people: list[SQLModel] = []
        photos: list[SQLModel] = []
        templates: list[SQLModel] = []
        vectors = random.standard_normal((min(AT_ONCE, count - first), pack.dimension or 0), np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        for number, vector in enumerate(vectors):
            if number % PHOTOS == 0:
                person = Person(full_name=f"Person {first + number}")
                people.append(person)
            photo = Photo(person_id=person.id, object_key="a", portrait_key="b", width=1, height=1, box=[], quality={})
            kept = seals.seal(new_id(), person.id, vector.tobytes())
            photos.append(photo)
            templates.append(
                Template(
                    id=kept.template_id, person_id=person.id, photo_id=photo.id, pack=pack.name,
                    pack_sha256=pack.sha256, dimension=len(vector), key_id=kept.key_id, embedding=kept.embedding,
                )
            )  # fmt: skip
        async with store.transaction() as session:
            connection = await session.connection()
            for level in (people, photos, templates):
                await connection.execute(insert(type(level[0])), [row.model_dump() for row in level])


async def loaded(store: Store, seals: TemplateSeals, pack: Pack, count: int) -> tuple[float, float]:
    """Seconds until everybody can be recognised, and the longest pause of the loop meanwhile."""
    roster, longest, started = Roster(store, pack, seals, MemoryBus()), 0.0, perf_counter()
    async with asyncio.TaskGroup() as tasks:
        loading = tasks.create_task(roster.refresh())
        while not loading.done():
            before = perf_counter()
            await asyncio.sleep(BEAT_S)
            longest = max(longest, perf_counter() - before - BEAT_S)
    spent = perf_counter() - started
    if len(roster.gallery) != count:
        raise SystemExit(f"{len(roster.gallery)} of {count} templates were loaded: this figure means nothing.")
    return spent, longest


def plain(path: Path, dimension: int) -> float:
    """Seconds for the same bytes without names, seals and a gallery."""
    started = perf_counter()
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT id, person_id, embedding FROM templates ORDER BY id").fetchall()
    np.frombuffer(b"".join(row[2][: 4 * dimension] for row in rows), "<f4").reshape(-1, dimension).copy()
    return perf_counter() - started


async def measure(pack: Pack, count: int, rounds: int) -> float:
    seals = TemplateSeals(Keyring((new_id(),)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gallery.db"
        url = f"sqlite+aiosqlite:///{path}"
        await migrate.upgrade(url)
        async with Store(url) as store:
            await fill(store, seals, pack, count)
            mine, theirs, pauses = [], [], []
            for _ in range(rounds):
                spent, longest = await loaded(store, seals, pack, count)
                mine.append(spent)
                pauses.append(longest * 1e3)
                theirs.append(await asyncio.to_thread(plain, path, pack.dimension or 0))
    figure(f"gallery_load_s {count:,}", median(mine), ("sqlite3+numpy", median(theirs)), bar=f"at most {MOST_S} s")
    figure(f"gallery_load longest_pause_ms {count:,}", median(pauses))
    return median(mine)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--templates", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    pack = Models.load(Settings()).embedder.pack
    return int(asyncio.run(measure(pack, asked.templates, asked.rounds)) > MOST_S)


if __name__ == "__main__":
    raise SystemExit(main())
