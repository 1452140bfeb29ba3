"""Writes texts to a token file on the command line: ``prepare``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from charlm.cli.mistakes import UsageError
from charlm.cli.output import print_json, print_line, suggest
from charlm.cli.reading import OF_NEW_VOCABULARY, for_kind, reading_of, tell_note, without_shared
from charlm.cli.telling import unknown_in_words
from charlm.files.run_folder import RunFolder
from charlm.files.vocabularies import read_vocabulary
from charlm.recipes.corpus import Corpus
from chartok import Vocabulary, encode_file, read_records
from chartok.files.sources import check_two_readings, expand_sources

if TYPE_CHECKING:
    from charlm.cli.file_flags import Prepare
    from chartok import TokenFile


def prepare(settings: Prepare) -> None:
    """Writes texts of any size to a token file."""
    settings = for_kind(settings, records=settings.records)
    if settings.vocabulary is not None:
        settings = without_shared(settings, OF_NEW_VOCABULARY)
    if settings.vocabulary is not None:
        RunFolder(settings.vocabulary).refuse_to_replace(settings.out)
    limits: Any = {"min_count": settings.min_count, "max_size": settings.max_size}
    special: Any = [*settings.special_tokens]
    if limits != {"min_count": 1, "max_size": None} and settings.errors in (None, "replace") and "unk" not in special:
        special.append("unk")
    vocabulary = None if settings.vocabulary is None else read_vocabulary(settings.vocabulary)
    if settings.symbols or settings.unit != "character":
        if vocabulary is not None:
            raise UsageError("--vocabulary has its symbols: leave out --symbols and --unit")
        vocabulary, limits = _vocabulary_of_symbols(settings, special, limits), {}
    known = {*special, *(() if vocabulary is None else vocabulary.special_tokens)}
    if "eos" in known and not settings.records:
        raise ValueError("eos ends records, and this is one text: give --records, or a vocabulary without eos")
    with tqdm(unit="B", unit_scale=True, disable=None, leave=False) as bar:

        def show(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        with encode_file(
            settings.sources,
            settings.out,
            vocabulary,
            records=settings.records,
            errors=settings.errors or ("replace" if "unk" in known else "strict"),
            **limits,
            special_tokens=special,
            progress=show,
            note=tell_note,
            settings=reading_of(settings.reading),
        ) as tokens:
            bar.close()
            _tell_prepared(settings, tokens)


def _tell_prepared(settings: Prepare, tokens: TokenFile) -> None:
    """Prints what a token file holds."""
    corpus, vocabulary = Corpus.of_tokens(tokens), tokens.vocabulary
    characters, n_symbols = corpus.characters, len(vocabulary.symbols)
    if unknown := corpus.unknown:
        tell_note(unknown_in_words(unknown, characters, "in all"))
    if settings.json:
        print_json(
            file=str(settings.out),
            characters=characters,
            records=tokens.records,
            symbols=n_symbols,
            fingerprint=vocabulary.fingerprint,
        )
        return
    of_records = "" if tokens.records is None else f"{tokens.records:,} records, "
    print_line(f"{of_records}{characters:,} characters, {n_symbols} symbols: saved to {settings.out}")
    suggest(["charlm", "train", settings.out])


def _vocabulary_of_symbols(settings: Prepare, special: list[Any], limits: dict[str, Any]) -> Vocabulary:
    """Returns the vocabulary of the text, with symbols of several characters."""
    reading = reading_of(settings.reading)
    check_two_readings(expand_sources(settings.sources, reading.pattern))
    asked: Any = {"symbols": settings.symbols, "unit": settings.unit, **limits}
    if not settings.records:
        return Vocabulary.from_file(settings.sources, settings=reading, special_tokens=special, **asked)
    roles = [*dict.fromkeys(["bos", "eos", "unk", *special])]
    return Vocabulary.from_text(read_records(settings.sources, reading), special_tokens=roles, **asked)
