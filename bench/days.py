"""Days of 1,000 people over a year, computed from the same rows by `attendance.days` and by pandas in the same run.

    python bench/days.py [--people 1000] [--rounds 3]

The rows are made up: a day shift in Berlin from Monday to Friday, with a lunch that is checked out for, people who come
late, leave early, stay longer or do not come at all, and ten holidays. Both begin with the rows as a database gives
them (id, person, moment, direction) and end with a row for each person and date: status, worked, break, late, early and
overtime minutes. pandas does only what these rows need: one fixed shift, whole pairs, no night, nothing missing. The
sums of both must be equal, or there are no figures. One line a figure: day rows a second, medians of the rounds in
turns; and seconds for all.
"""

import argparse
import gc
import random
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from time import perf_counter

import pandas as pd

from bench.parts.report import figure, median, note
from server.attendance.day import Day
from server.attendance.days import MARGIN_DAYS, Timesheet, days
from server.attendance.entry import Entry
from server.attendance.rules import Direction
from server.attendance.schedule import Roster, Schedule
from server.attendance.shift import Shift

Row = tuple[str, str, datetime, Direction]
Sums = dict[str, int]

ZONE = "Europe/Berlin"
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
SHIFT = Shift(
    "day", "Day", time(9), time(17), ZONE, frozenset({1, 2, 3, 4, 5}), break_minutes=30, grace_late_minutes=5,
    grace_early_minutes=5,
)  # fmt: skip
HOLIDAYS = frozenset(date(2026, month, 1 + month % 3) for month in range(1, 11))
MARGIN = timedelta(days=MARGIN_DAYS)


def made_up(people: int) -> list[Row]:
    """What a database would answer, by person and time."""
    chance, rows = random.Random(8), list[Row]()
    working = [day for n in range((LAST - FIRST).days + 1) if (day := FIRST + timedelta(days=n)).isoweekday() <= 5]
    roster = Roster([Schedule("s", SHIFT, FIRST, datetime(2026, 1, 1, tzinfo=UTC))])
    starts = {window.date: window.starts_at for window in roster.plan("", None, FIRST, LAST).windows}
    for person in range(people):
        for day in working:
            if day in HOLIDAYS or chance.random() < 0.04:
                continue
            comes, goes = chance.gauss(-2, 6) * 60, (480 + chance.gauss(8, 15)) * 60
            lunch, back = 180 * 60 + chance.random() * 3600, chance.uniform(20, 55) * 60
            moments = (comes, lunch, lunch + back, goes)
            for number, seconds in enumerate(moments):
                at = starts[day] + timedelta(seconds=round(seconds))
                rows.append((f"{person}-{day}-{number}", f"person {person}", at, "out" if number % 2 else "in"))
    return rows


def ours(rows: list[Row], people: int) -> list[Day]:
    """Grouped once; everybody has the same plan, which is worked out once too."""
    entries: dict[str, list[Entry]] = defaultdict(list)
    for entry_id, person, at, direction in rows:
        entries[person].append(Entry(entry_id, at, direction))
    roster = Roster([Schedule("s", SHIFT, FIRST, datetime(2026, 1, 1, tzinfo=UTC))])
    plan = roster.plan("", None, FIRST - MARGIN, LAST + MARGIN)
    found: list[Day] = []
    for number in range(people):
        person = f"person {number}"
        found += days(Timesheet(person, FIRST, LAST, ZONE, entries.get(person, ()), plan, HOLIDAYS))
    return found


def with_pandas(rows: list[Row], people: int) -> pd.DataFrame:
    """The same sums, column by column."""
    frame = pd.DataFrame(rows, columns=["id", "person", "at", "direction"])
    frame["date"] = frame["at"].dt.tz_convert(ZONE).dt.tz_localize(None).dt.normalize()
    frame["is_in"] = frame["direction"] == "in"
    frame = frame.sort_values(["person", "at"], kind="stable")
    group = frame.groupby(["person", "date"], sort=False)
    before = group["at"].shift()
    frame["gap"] = (frame["at"] - before).where(frame["is_in"])
    frame["stay"] = (frame["at"] - before).where(~frame["is_in"])
    sums = frame.groupby(["person", "date"], sort=False).agg(
        first=("at", "min"), last=("at", "max"), stay=("stay", "sum"), gap=("gap", "sum")
    )
    dates = pd.date_range(FIRST, LAST)
    every = pd.MultiIndex.from_product([[f"person {n}" for n in range(people)], dates], names=["person", "date"])
    day = sums.reindex(every).reset_index()
    minute, rest = pd.Timedelta(minutes=1), pd.Timedelta(minutes=SHIFT.break_minutes)
    start = (day["date"] + pd.Timedelta(hours=9)).dt.tz_localize(ZONE).dt.tz_convert("UTC")
    end = (day["date"] + pd.Timedelta(hours=17)).dt.tz_localize(ZONE).dt.tz_convert("UTC")
    pause = day["gap"].where(day["gap"] > rest, rest)
    late = ((day["first"] - start).clip(lower=pd.Timedelta(0)) // minute).fillna(0).astype(int)
    early = ((end - day["last"]).clip(lower=pd.Timedelta(0)) // minute).fillna(0).astype(int)
    there = day["first"].notna()
    day["worked"] = ((day["stay"] + day["gap"] - pause) // minute).fillna(0).astype(int)
    day["break"] = (pause // minute).where(there, 0).astype(int)
    day["late"] = late.where(late > SHIFT.grace_late_minutes, 0)
    day["early"] = early.where(early > SHIFT.grace_early_minutes, 0)
    day["overtime"] = ((day["last"] - end).clip(lower=pd.Timedelta(0)) // minute).fillna(0).astype(int)
    day["status"] = "present"
    day.loc[~there, "status"] = "absent"
    day.loc[~there & day["date"].isin(pd.to_datetime(list(HOLIDAYS))), "status"] = "holiday"
    day.loc[~there & (day["date"].dt.day_of_week > 4), "status"] = "off"
    return day


def sums_of_ours(found: list[Day]) -> Sums:
    sums: Counter[str] = Counter()
    for day in found:
        sums[day.status.value] += 1
        sums["worked"] += day.worked_minutes
        sums["break"] += day.break_minutes
        sums["late"] += day.late_minutes
        sums["early"] += day.early_minutes
        sums["overtime"] += day.overtime_minutes
    return dict(sums)


def sums_of_pandas(found: pd.DataFrame) -> Sums:
    counts = {str(status): int(count) for status, count in found["status"].value_counts().items()}
    return counts | {name: int(found[name].sum()) for name in ("worked", "break", "late", "early", "overtime")}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--people", type=int, default=1_000)
    asked.add_argument("--rounds", type=int, default=3)
    arguments = asked.parse_args()
    rows = made_up(arguments.people)
    gc.freeze()  # the rows stay for the whole run
    note(f"{arguments.people:,} people, {FIRST} to {LAST}: {len(rows):,} entries")
    our_s, their_s, count = list[float](), list[float](), 0
    for _ in range(arguments.rounds):
        started = perf_counter()
        found = ours(rows, arguments.people)
        our_s.append(perf_counter() - started)
        count, our_sums = len(found), sums_of_ours(found)
        del found
        started = perf_counter()
        frame = with_pandas(rows, arguments.people)
        their_s.append(perf_counter() - started)
        if our_sums != sums_of_pandas(frame):
            raise SystemExit(f"The sums differ, so these figures mean nothing: {our_sums} {sums_of_pandas(frame)}")
        del frame
    note(f"the same sums: {', '.join(f'{name} {value:,}' for name, value in sorted(our_sums.items()))}")
    figure("days_rows_per_s", count / median(our_s), ("pandas", count / median(their_s)))
    figure("days_s a year of all", median(our_s), ("pandas", median(their_s)))


if __name__ == "__main__":
    main()
