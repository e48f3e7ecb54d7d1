"""The languages of the kiosk: gettext catalogues read from folders, with what a browser needs to speak them."""

import gettext
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import PoFileError, read_po

from server.assets import asset

SOURCE = "kiosk.pot"
ENGLISH = "en"
TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}")
GAP = re.compile(r"\{(\w+)\}")
MOST_BYTES = 1_000_000
# Enough numbers to meet every category of every language.
NUMBERS = (*range(201), 1000, 1_000_000)

Sentence = str | Mapping[str, str]  # or one for each plural category: zero, one, two, few, many, other


@dataclass(frozen=True, slots=True)
class Language:
    """One that the kiosk speaks. `sentences` are complete: what a catalogue lacks is there in English."""

    tag: str
    name: str
    direction: str
    sentences: Mapping[str, Sentence]

    def as_json(self) -> dict[str, object]:
        return {
            "language": self.tag, "name": self.name, "direction": self.direction, "sentences": dict(self.sentences),
        }  # fmt: skip


class Languages:
    """Those of the program, and of a folder of the site's own, which adds some and goes before."""

    def __init__(self, own: Path | None = None) -> None:
        self._folders = (asset("web") / "locales", *((own,) if own is not None else ()))
        self._seen: tuple[tuple[Path, int], ...] = ()
        self._known: dict[str, Language] = {}

    def known(self) -> Mapping[str, Language]:
        """By tag, English first. Reads files, and again once one has changed: not for the event loop."""
        files = tuple(self._files())
        if files != self._seen:
            self._known = self._read([path for path, _ in files])
            self._seen = files
        return self._known

    def _files(self) -> Iterator[tuple[Path, int]]:
        for folder in self._folders:
            for path in sorted((*folder.glob(SOURCE), *folder.glob("*.po"))):
                yield path, path.stat().st_mtime_ns

    def _read(self, paths: Sequence[Path]) -> dict[str, Language]:
        source = asset("web") / "locales" / SOURCE
        english = dict(_sentences(_catalogue(source, ENGLISH), ENGLISH))
        spoken: dict[str, dict[str, Sentence]] = {ENGLISH: dict(english)}
        for path in paths:
            if path.name == SOURCE:
                continue
            tag = path.stem.replace("_", "-")
            try:
                more = dict(_sentences(_catalogue(path, tag), tag))
            except ValueError as error:
                structlog.get_logger(__name__).warning("language_not_read", file=str(path), reason=str(error))
                continue
            fit = {key: said for key, said in more.items() if key in english and _gaps(said) <= _gaps(english[key])}
            for key in sorted(more.keys() & english.keys() - fit.keys()):
                structlog.get_logger(__name__).warning("sentence_left_out", file=str(path), sentence=key, reason="gaps")
            spoken[tag] = {**english, **spoken.get(tag, {}), **fit}
        return {tag: _language(tag, sentences) for tag, sentences in spoken.items()}


def _language(tag: str, sentences: Mapping[str, Sentence]) -> Language:
    locale = Locale.parse(tag, sep="-")
    name = locale.get_display_name(locale) or tag
    return Language(tag, name[:1].upper() + name[1:], locale.text_direction, sentences)


def _catalogue(path: Path, tag: str) -> Catalog:
    """Raises ValueError with the reason."""
    if not TAG.fullmatch(tag):
        raise ValueError("its name is no language tag such as it or pt-BR")
    try:
        Locale.parse(tag, sep="-")
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"it is larger than {MOST_BYTES // 1_000_000} MB")
        with path.open("rb") as file:
            return read_po(file, locale=tag.replace("-", "_"), abort_invalid=True)
    except UnknownLocaleError as error:
        raise ValueError("nothing is known of this language") from error
    except (PoFileError, OSError) as error:
        raise ValueError(f"it cannot be read: {error}") from error


def _sentences(catalogue: Catalog, tag: str) -> Iterator[tuple[str, Sentence]]:
    """Those that are translated; of the source, which is English, the ids themselves."""
    english = tag == ENGLISH
    forms = {"one": 0, "other": 1} if english else _forms(catalogue, tag)
    for message in catalogue:
        if not message.id or not message.context or message.fuzzy:
            continue
        said = _said(message, english)
        if isinstance(said, str):
            if said:
                yield message.context, said
        elif all(said) and len(said) > max(forms.values()):
            yield message.context, {category: said[index] for category, index in forms.items()}


def _said(message: Message, english: bool) -> str | Sequence[str]:
    own = message.string or ""
    if english and not (own if isinstance(own, str) else any(own)):
        own = message.id
    return own if isinstance(own, str) else tuple(own)


def _forms(catalogue: Catalog, tag: str) -> dict[str, int]:
    """Which form of a sentence belongs to which category: a browser knows categories, a catalogue numbers its forms."""
    try:
        number_of = gettext.c2py(catalogue.plural_expr)
    except ValueError as error:
        raise ValueError(f"its Plural-Forms are no expression: {error}") from error
    category_of = Locale.parse(tag, sep="-").plural_form
    forms: dict[str, int] = {}
    for number in NUMBERS:
        forms.setdefault(category_of(number), number_of(number))
    forms.setdefault("other", max(forms.values()))
    return forms


def _gaps(said: Sentence) -> set[str]:
    texts = [said] if isinstance(said, str) else said.values()
    return {name for text in texts for name in GAP.findall(text)}
