"""The same texts in many languages: Debian's installation guide, and the messages of Django.

``apt-get download`` and ``pip download`` fetch the packages into the folder of ``benchmarks/corpora.py``; nothing is
installed, and what is in that folder already is taken from there.
"""

from __future__ import annotations

import ast
import html
import itertools
import re
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, NamedTuple

from corpora import FOLDER, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

GUIDE = "installation-guide-amd64"
LANGUAGES = ["ca", "cs", "da", "de", "el", "en", "es", "fr", "it", "ja", "ko", "nl", "pt", "ru", "sv", "vi", "zh"]
"""Those into which the guide is translated for the most part."""
PAGES = {"trained": r"ch0[12346].*", "calibrated": r"ch0[57].*", "tested": r"(ch08|ap[a-e]).*"}
"""The pages of the guide from which models are trained, calibrated and tested; they are the same in all languages."""
OF_GUIDE = {"zh": "zh_CN"}
OF_DJANGO = {"zh": "zh_Hans"}
"""What Django calls a language where that is not its own name."""
UNSPACED = {"ja", "zh"}
"""Languages that write no spaces between words; what stands for a word is a few characters."""
CHARACTERS_OF_WORD = 3
LEAST_OF_PARAGRAPH = 20
LETTERS = 0.7
"""The least share of letters in what counts as text."""
MOST_ENGLISH = 0.6
"""The largest share of words that occur in the English text in what counts as translated."""
SENTENCES = (15, 200)
"""The length of what counts as a sentence, in characters."""


class Texts(NamedTuple):
    """What is there to be told apart.

    Attributes:
        words: Words, each once.
        pairs: Pairs of words that follow each other.
        sentences: Sentences.
    """

    words: list[str]
    pairs: list[str]
    sentences: list[str]


def paragraphs_of_guide(pages: str) -> dict[str, list[str]]:
    """Returns paragraphs of the guide by language, without those that are in English there.

    Args:
        pages: A regular expression that the names of their pages match.
    """
    folder = unpacked(GUIDE) / "usr" / "share" / "doc" / GUIDE
    found = {}
    for language in LANGUAGES:
        paths = sorted((folder / OF_GUIDE.get(language, language)).glob("*.html"))
        found[language] = [one for path in paths if re.fullmatch(pages, path.stem) for one in _paragraphs(path)]
    english = {word for paragraph in found["en"] for word in _words_of("en", paragraph)}
    return {
        language: paragraphs if language == "en" else [one for one in paragraphs if not _is_english(one, english)]
        for language, paragraphs in found.items()
    }


def _is_english(passage: str, english: set[str]) -> bool:
    """Returns whether most words of a passage are English ones: some paragraphs have not been translated."""
    words = _words_of("en", passage)
    return sum(word in english for word in words) > MOST_ENGLISH * len(words)


def _paragraphs(page: Path) -> Iterable[str]:
    for marked in re.findall(r"<p>(.*?)</p>", page.read_text("utf-8"), re.DOTALL):
        without_code = re.sub(r"<(code|pre|tt)\b.*?</\1>", " ", marked, flags=re.DOTALL)
        paragraph = " ".join(html.unescape(re.sub(r"<[^>]*>", "", without_code)).split())
        letters = sum(character.isalpha() for character in paragraph)
        if len(paragraph) >= LEAST_OF_PARAGRAPH and letters >= LETTERS * len(paragraph):
            yield paragraph


def messages_of_django(languages: Iterable[str] = LANGUAGES) -> dict[str, list[str]]:
    """Returns the translated messages of Django by language, its own without markup and fields to fill in."""
    wheels = FOLDER / "wheels"
    if not [*wheels.glob("django-*.whl")]:
        asked = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(wheels), "django<6"]
        subprocess.run(asked, check=True)  # noqa: S603
    with zipfile.ZipFile(min(wheels.glob("django-*.whl"))) as wheel:
        catalogs = [name for name in wheel.namelist() if name.endswith("/django.po")]
        found = {}
        for language in languages:
            ending = f"/locale/{OF_DJANGO.get(language, language)}/LC_MESSAGES/django.po"
            of_language = [name for name in catalogs if name.endswith(ending)]
            texts = [wheel.read(name).decode() for name in of_language]
            found[language] = [*_messages("\n\n".join(texts), original=language == "en")]
    return found


def _messages(catalog: str, *, original: bool) -> Iterable[str]:
    for entry in re.split(r"\n\s*\n", catalog):
        pattern = r'^msgid ((?:"[^\n]*"\n?)+)' if original else r'^msgstr(?:\[\d\])? ((?:"[^\n]*"\n?)+)'
        for quoted in re.findall(pattern, entry, re.MULTILINE):
            message = "".join(ast.literal_eval(line) for line in quoted.splitlines() if line)
            if message and not message.startswith("Project-Id-Version") and not re.search(r"[%{<]", message):
                yield " ".join(message.split())


def texts_by_language(passages: dict[str, list[str]]) -> dict[str, Texts]:
    """Returns what is there to be told apart in passages, without words that other languages took from English."""
    words = {language: [_words_of(language, one) for one in of_it] for language, of_it in passages.items()}
    occurs_in: dict[str, set[str]] = {}
    for language, sequences in words.items():
        for word in {word for sequence in sequences for word in sequence}:
            occurs_in.setdefault(word, set()).add(language)

    def own(language: str, word: str) -> bool:
        elsewhere = occurs_in[word]
        return len(elsewhere) < len(passages) / 3 if language == "en" else "en" not in elsewhere

    english = {word for word, languages in occurs_in.items() if "en" in languages}
    found = {}
    for language, sequences in words.items():
        singles = {word for sequence in sequences for word in sequence if own(language, word)}
        pairs = {
            ("" if language in UNSPACED else " ").join(pair)
            for sequence in sequences
            for pair in itertools.pairwise(sequence)
            if any(own(language, word) for word in pair)
        }
        sentences = {sentence for passage in passages[language] for sentence in _sentences(passage)}
        if language != "en":
            sentences = {sentence for sentence in sentences if not _is_english(sentence, english)}
        found[language] = Texts(sorted(singles), sorted(pairs), sorted(sentences))
    return found


def _words_of(language: str, passage: str) -> list[str]:
    """Returns the words of two or more letters in a passage."""
    if language not in UNSPACED:
        return re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)+|[^\W\d_]{2,}", passage)
    runs = re.findall(r"[\u3040-\u30ff\u4e00-\u9fff]{2,}", passage)
    pieces = [run[at : at + CHARACTERS_OF_WORD] for run in runs for at in range(0, len(run), CHARACTERS_OF_WORD)]
    return [piece for piece in pieces if len(piece) > 1]


def _sentences(passage: str) -> Iterable[str]:
    least, most = SENTENCES
    for sentence in re.split(r"(?<=[.!?;:])\s+|(?<=[。！？；：])", passage):
        letters = sum(character.isalpha() for character in sentence)
        if least <= len(sentence) <= most and letters >= LETTERS * len(sentence):
            yield sentence.strip()
