"""Languages: every catalogue is complete and keeps its gaps, plural forms fit, and a site adds files of its own."""

import re
import shutil
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from structlog.testing import capture_logs

from server.assets import asset
from server.routes.languages import Languages

LOCALES = asset("web") / "locales"
SHIPPED = {"en", "de", "es", "fr", "ar"}
ITALIAN = """
msgid ""
msgstr ""
"Language: it\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"
"Content-Type: text/plain; charset=UTF-8\\n"

msgctxt "kiosk.in"
msgid "Checked in"
msgstr "Entrata registrata"

msgctxt "kiosk.late"
msgid "{count} minute late"
msgid_plural "{count} minutes late"
msgstr[0] "{count} minuto di ritardo"
msgstr[1] "{count} minuti di ritardo"
"""


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=None if path.suffix == ".pot" else path.stem, abort_invalid=True)


def by_key(catalogue: Catalog) -> dict[str, Message]:
    return {message.context: message for message in catalogue if message.id and message.context}


def texts(said: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said)


def gaps(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("path", sorted(LOCALES.glob("*.po")), ids=lambda path: path.stem)
def test_every_catalogue_has_every_sentence(path: Path) -> None:
    """Of the same English, translated, with the same gaps; plural forms as many as the language has."""
    source, catalogue = by_key(read(LOCALES / "kiosk.pot")), read(path)
    translated = by_key(catalogue)
    assert translated.keys() == source.keys()
    for key, message in translated.items():
        assert message.id == source[key].id, f"{key}: the English has changed"
        assert not message.fuzzy, key
        said = texts(message.string or "")
        assert all(text.strip() for text in said), key
        assert len(said) == (catalogue.num_plurals if isinstance(message.id, tuple | list) else 1), key
        wanted = gaps(texts(message.id)[-1])
        for text in said:
            # A form for one, two or none may say the number in words.
            assert gaps(text) == wanted or (len(said) > 1 and gaps(text) | {"count"} == wanted), (key, text)
        if len(said) > 1:
            assert any("count" in gaps(text) for text in said), key


def test_the_languages_of_the_program() -> None:
    """Five, each with its own name, and Arabic from right to left."""
    known = Languages().known()
    assert set(known) == SHIPPED
    assert next(iter(known)) == "en"
    assert {tag: one.direction for tag, one in known.items() if one.direction != "ltr"} == {"ar": "rtl"}
    assert known["de"].name == "Deutsch"
    assert known["ar"].name == "العربية"
    assert known["en"].sentences["kiosk.late"] == {"one": "{count} minute late", "other": "{count} minutes late"}
    assert len({frozenset(one.sentences) for one in known.values()}) == 1


def test_plural_forms_are_told_by_category() -> None:
    """A catalogue numbers its forms, a browser asks by category: Arabic has all six."""
    late = Languages().known()["ar"].sentences["kiosk.late"]
    assert isinstance(late, dict)
    assert set(late) == {"zero", "one", "two", "few", "many", "other"}
    assert late["two"] == "متأخر دقيقتين"
    assert late["few"] == "متأخر {count} دقائق"
    assert late["many"] == "متأخر {count} دقيقة"


def test_english_of_pages_and_kiosk_is_the_same() -> None:
    """A sentence that both show reads alike on both."""
    text = (asset("web") / "static" / "js" / "text.js").read_text()
    pages = dict(re.findall(r'^  "([\w.]+)": "(.*)",$', text, re.MULTILINE))
    kiosk = {key: one for key, one in Languages().known()["en"].sentences.items() if isinstance(one, str)}
    assert {key: pages[key] for key in pages.keys() & kiosk.keys()} == {key: kiosk[key] for key in pages.keys() & kiosk}


def test_a_site_adds_a_language(tmp_path: Path) -> None:
    """A file is enough, also while the server runs; what it lacks is said in English."""
    languages = Languages(tmp_path)
    assert "it" not in languages.known()
    (tmp_path / "it.po").write_text(ITALIAN)
    italian = languages.known()["it"]
    assert (italian.name, italian.direction) == ("Italiano", "ltr")
    assert italian.sentences["kiosk.in"] == "Entrata registrata"
    assert italian.sentences["kiosk.out"] == "Checked out"
    late = italian.sentences["kiosk.late"]
    assert isinstance(late, dict)
    assert (late["one"], late["other"]) == ("{count} minuto di ritardo", "{count} minuti di ritardo")
    (tmp_path / "it.po").unlink()
    assert "it" not in languages.known()


def test_a_site_says_it_in_its_own_words(tmp_path: Path) -> None:
    """A file of a language that is there changes the sentences that it has, and no other."""
    (tmp_path / "de.po").write_text(ITALIAN.replace("Language: it", "Language: de"))
    german = Languages(tmp_path).known()["de"].sentences
    assert german["kiosk.in"] == "Entrata registrata"
    assert german["kiosk.out"] == "Gegangen"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("klingonish.po", ITALIAN, "language tag"),
        ("xx.po", ITALIAN, "nothing is known"),
        ("it.po", "this is no catalogue", "cannot be read"),
        ("it.po", 'msgctxt "kiosk.in"\nmsgid "Checked in"\nmsgstr "' + "x" * 1_000_001 + '"', "larger"),
    ],
)
def test_a_bad_file_is_left_out(tmp_path: Path, name: str, content: str, reason: str) -> None:
    """It is named in the log with the reason; the other languages are there."""
    (tmp_path / name).write_text(content)
    with capture_logs() as logs:
        known = Languages(tmp_path).known()
    assert set(known) == SHIPPED
    [line] = [line for line in logs if line["event"] == "language_not_read"]
    assert line["file"].endswith(name)
    assert reason in line["reason"]


def test_a_sentence_with_a_gap_too_many_is_left_out(tmp_path: Path) -> None:
    """It would be shown with its braces."""
    shutil.copy(LOCALES / "fr.po", tmp_path / "fr.po")
    changed = (tmp_path / "fr.po").read_text().replace("Arrivée enregistrée", "Arrivée de {who}")
    (tmp_path / "fr.po").write_text(changed)
    with capture_logs() as logs:
        french = Languages(tmp_path).known()["fr"].sentences
    assert french["kiosk.in"] == "Arrivée enregistrée"
    assert [line["sentence"] for line in logs if line["event"] == "sentence_left_out"] == ["kiosk.in"]
