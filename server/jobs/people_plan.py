"""Who is in a file of people: a table or folders become a plan, and what is wrong is named with its place."""

import csv
import io
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import EmailStr, TypeAdapter, ValidationError

from server.errors import Invalid

MOST_ROWS = 100_000
MOST_EXTERNAL_IDS = 20
EXTERNAL = "externalIds."
PICTURES = (".jpg", ".jpeg", ".png", ".webp")
LENGTHS = {"fullName": 200, "employeeId": 64, "email": 254, "department": 200}
_COLUMNS = {name.lower(): name for name in (*LENGTHS, "photo", "photos")}
# What the list of people is exported with, and an import does not change.
_IGNORED = ("id", "active", "photocount", "enrolment", "lastseenat")
_EMAIL: TypeAdapter[str] = TypeAdapter(EmailStr)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was not taken, or was taken with a warning: where it stands, a stable code and a sentence."""

    code: str
    message: str
    line: int | None = None  # of the table, from 1
    column: str = ""
    file: str = ""
    person: str = ""


@dataclass(slots=True)
class Incoming:
    """One person of an import. What is empty is not known, and leaves what is stored as it is."""

    full_name: str
    employee_id: str = ""
    email: str = ""
    department: str = ""
    external_ids: dict[str, str] = field(default_factory=dict)
    photos: list[str] = field(default_factory=list)
    line: int | None = None


@dataclass(slots=True)
class Plan:
    """Who is to be imported, and what was refused before it began."""

    people: list[Incoming] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


def from_table(content: bytes) -> Plan:
    """A row for each person or each photo; rows of one employeeId (without one, of one name) are one person.

    Raises Invalid, with line and column, for a table that cannot be understood: then nothing is imported at all.
    """
    lines = iter(csv_lines(content))
    head_line, head = next(lines, (1, []))
    columns = _columns(head_line, head)
    plan, known = Plan(), dict[str, Incoming]()
    for line, cells in lines:
        if not any(cells):
            continue
        if len(known) + len(plan.refusals) >= MOST_ROWS:
            raise _bad(f"There are more than {MOST_ROWS} rows. Send several files.", "too_many_rows")
        one = _row(plan, columns, line, cells)
        if one is not None:
            _join(plan, known, one)
    plan.people = list(known.values())
    return plan


def from_folders(files: Iterable[str]) -> Plan:
    """A folder for each person, named after them; underscores are spaces."""
    plan, found = Plan(), dict[str, Incoming]()
    for name in sorted(files):
        folder, file = posixpath.split(name)
        full_name = " ".join(posixpath.basename(folder).replace("_", " ").split())
        if not name.lower().endswith(PICTURES):
            plan.refusals.append(Refusal("not_a_picture", "This is not a JPEG, PNG or WebP file.", file=name))
        elif not full_name:
            plan.refusals.append(Refusal("no_folder", "Put it into a folder with the person's name.", file=name))
        elif len(full_name) > LENGTHS["fullName"]:
            plan.refusals.append(Refusal("too_long", "The folder's name is longer than 200 letters.", file=name))
        else:
            found.setdefault(folder, Incoming(full_name)).photos.append(name)
    once = dict[str, str]()
    for folder, one in found.items():
        if once.setdefault(one.full_name, folder) == folder:
            plan.people.append(one)
            continue
        why = f"{once[one.full_name]} has the same name. Put both into one folder, or send a table with employeeId."
        plan.refusals += [Refusal("name_twice", why, file=photo, person=one.full_name) for photo in one.photos]
    return plan


def csv_lines(content: bytes) -> Iterable[tuple[int, list[str]]]:
    """Line numbers with the cells, stripped."""
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _bad(f"Line {line} is not UTF-8. Save the table as “CSV UTF-8”.", "not_utf8") from None
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        first = 1
        for cells in reader:
            yield first, [cell.strip() for cell in cells]
            first = reader.line_num + 1
    except csv.Error as error:
        raise _bad(f"Line {reader.line_num}: {error}. Look at its quotation marks.", "bad_csv") from None


def _columns(line: int, head: Sequence[str]) -> list[str]:
    """What each column is called here. Raises Invalid."""
    found = list[str]()
    for number, title in enumerate(head, start=1):
        name = _COLUMNS.get(title.lower())
        if title.lower().startswith(EXTERNAL.lower()) and len(title) > len(EXTERNAL):
            name = EXTERNAL + title[len(EXTERNAL) :]
        if title.lower() in _IGNORED:
            name = f"({title.lower()})"
        if name is None:
            known = ", ".join((*LENGTHS, "photo", f"{EXTERNAL}NAME"))
            said = title or "without a title"
            raise _bad(f"Line {line}, column {number} ({said}) is not known. Known are {known}.", "unknown_column")
        if name in found:
            raise _bad(f"Line {line}, column {number}: {name} is there twice.", "column_twice")
        found.append(name)
    if "fullName" not in found:
        raise _bad(f"Line {line} has no column fullName.", "missing_column")
    if sum(name.startswith(EXTERNAL) for name in found) > MOST_EXTERNAL_IDS:
        raise _bad(f"There are more than {MOST_EXTERNAL_IDS} columns {EXTERNAL}…", "too_many_columns")
    return found


def _row(plan: Plan, columns: Sequence[str], line: int, cells: Sequence[str]) -> Incoming | None:
    """The person of one row; None where it was refused."""
    given = dict(zip(columns, cells, strict=False))
    person = given.get("fullName", "")

    def refuse(column: str, code: str, message: str) -> None:
        plan.refusals.append(Refusal(code, message, line, column, person=person[:200]))

    if len(cells) > len(columns):
        refuse(str(len(columns) + 1), "too_many_cells", f"There are {len(columns)} columns, and more cells.")
        return None
    if not person:
        refuse("fullName", "missing", "The name is missing.")
        return None
    for name, longest in LENGTHS.items():
        if len(given.get(name, "")) > longest:
            refuse(name, "too_long", f"It is longer than {longest} letters.")
            return None
    if given.get("email"):
        try:
            _EMAIL.validate_python(given["email"])
        except ValidationError:
            refuse("email", "bad_email", "This is not an email address.")
            return None
    return Incoming(
        person, given.get("employeeId", ""), given.get("email", ""), given.get("department", ""),
        {name[len(EXTERNAL) :]: text for name, text in given.items() if name.startswith(EXTERNAL) and text},
        _photos(given, refuse), line,
    )  # fmt: skip


def _photos(given: Mapping[str, str], refuse: Callable[[str, str, str], None]) -> list[str]:
    """The paths of one row, relative to the table."""
    paths = "|".join(given.get(name, "") for name in ("photo", "photos")).split("|")
    photos = list[str]()
    for path in filter(None, (one.strip() for one in paths)):
        inside = inside_of(path)
        if inside is None:
            refuse("photo", "outside", f"{path} is not beside the table.")
        elif inside not in photos:
            photos.append(inside)
    return photos


def inside_of(path: str) -> str | None:
    """The path as it is written below the folder that it is relative to; None where it leads out of it."""
    plain = posixpath.normpath(path.replace("\\", "/"))
    if plain.startswith(("/", "../")) or plain in (".", "..") or plain[1:2] == ":":
        return None
    return plain


def _join(plan: Plan, known: dict[str, Incoming], one: Incoming) -> None:
    """A further row of the same person adds photos, and may not say otherwise."""
    key = f"id {one.employee_id}" if one.employee_id else f"name {one.full_name}"
    before = known.setdefault(key, one)
    if before is one:
        return
    for attribute, column in _SAID.items():
        said, new = getattr(before, attribute), getattr(one, attribute)
        if said and new and said != new:
            why = f"Line {before.line} says {said} for the same person."
            plan.refusals.append(Refusal("contradiction", why, one.line, column, person=one.full_name))
            return
    for attribute in _SAID:
        setattr(before, attribute, getattr(before, attribute) or getattr(one, attribute))
    before.external_ids = {**one.external_ids, **before.external_ids}
    before.photos += [photo for photo in one.photos if photo not in before.photos]


_SAID: Mapping[str, str] = {
    "full_name": "fullName", "employee_id": "employeeId", "email": "email", "department": "department",
}  # fmt: skip


def _bad(message: str, code: str) -> Invalid:
    return Invalid.field("file", code, message)
