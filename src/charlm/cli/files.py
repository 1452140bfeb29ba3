"""Files on the command line: ``prepare``, ``report``, ``export`` and ``import``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from charlm.cli.command import OF_READING
from charlm.cli.output import print_json, print_line, suggest
from charlm.cli.reading import (
    OF_NEW_VOCABULARY,
    admitted_records,
    check_unused,
    for_kind,
    reading_of,
    tell_note,
    without_shared,
)
from charlm.data.framing import Framing
from charlm.files.arpa.writer import load_arpa, save_arpa
from charlm.files.kinds import ARPA, kind_of_file
from charlm.files.model_file import save_model
from charlm.files.run_folder import RunFolder
from charlm.files.vocabularies import read_vocabulary
from charlm.lm import CharLM
from charlm.recipes.browser import save_javascript
from charlm.recipes.corpus import Corpus
from charlm.report.page import write_report
from charlm.runtime.pytorch import require_pytorch
from chartok import Vocabulary, encode_file, read_records, read_text
from chartok.files.atomic import check_not_read
from chartok.files.sources import check_not_source, check_two_readings, expand_sources

if TYPE_CHECKING:
    from pathlib import Path

    from charlm.cli import file_flags, flags
    from chartok import TokenFile

OF_VOCABULARY = {"tokenizer-json": Vocabulary.to_tokenizer_json, "vocabulary": Vocabulary.save}
"""How to write each format that has a vocabulary alone."""


def prepare(settings: file_flags.Prepare) -> None:
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
            raise ValueError("vocabulary has its symbols: leave out symbols and unit")
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


def _tell_prepared(settings: file_flags.Prepare, tokens: TokenFile) -> None:
    """Prints what a token file holds."""
    corpus, vocabulary = Corpus.of_tokens(tokens), tokens.vocabulary
    characters, n_symbols = corpus.characters, len(vocabulary.symbols)
    if unknown := corpus.unknown:
        tell_note(f"{unknown:,} of {characters:,} characters are not in the vocabulary and count as unk")
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


def _vocabulary_of_symbols(settings: file_flags.Prepare, special: list[Any], limits: dict[str, Any]) -> Vocabulary:
    """Returns the vocabulary of the text, with symbols of several characters."""
    reading = reading_of(settings.reading)
    check_two_readings(expand_sources(settings.sources, reading.pattern))
    asked: Any = {"symbols": settings.symbols, "unit": settings.unit, **limits}
    if not settings.records:
        return Vocabulary.from_file(settings.sources, settings=reading, special_tokens=special, **asked)
    roles = [*dict.fromkeys(["bos", "eos", "unk", *special])]
    return Vocabulary.from_text(read_records(settings.sources, reading), special_tokens=roles, **asked)


def report(settings: flags.Report) -> None:
    """Writes one HTML file that shows a run, or compares several."""
    _check_runs(settings)
    if not settings.text:
        settings = without_shared(settings, (*OF_READING, "errors"))
    reading = reading_of(settings.reading)
    text: str | list[str] | None = None
    if settings.text:
        if settings.out is not None:
            check_not_source(settings.out, expand_sources(settings.text, reading.pattern))
        text = _text_to_color(settings)
        if not text:
            raise ValueError(f"{' '.join(settings.text)!a}: text is empty: there is nothing to color")
    elif settings.errors is not None:
        raise ValueError("errors is for a text that you give: give --text too, or leave it out")
    else:
        check_unused(settings.reading, "--text")
    given: Any = {"text": text, "stride": settings.stride, "seed": settings.seed, "device": settings.device}
    out = write_report(settings.models, settings.out, **given)
    print_line(f"saved to {out}")


def _check_runs(settings: flags.Report) -> None:
    """Checks that there is a run, and a single one if there is a text to color."""
    if not settings.models:
        raise ValueError("models: give a run folder or a model file, or several to compare")
    if settings.text and len(settings.models) > 1:
        raise ValueError(f"text is for the report of one run, got {len(settings.models)} runs: leave out --text")


def _text_to_color(settings: flags.Report) -> str | list[str]:
    """Returns the text of a report, or its records where the model is one of records."""
    framing = Framing(read_vocabulary(settings.models[0]))
    reading = reading_of(for_kind(settings, records=framing.is_of_records).reading)
    if not framing.is_of_records:
        return framing.admitted(read_text(settings.text, reading, note=tell_note), settings.errors)
    return admitted_records(framing, settings.text, reading, settings.errors)


def export(settings: flags.Export) -> None:
    """Writes a model, or its vocabulary, in a form that other programs read."""
    RunFolder(settings.model).refuse_to_replace(settings.out)
    for name, format_ in (("cache", "onnx"), ("int8", "onnx"), ("max_bytes", "js")):
        if getattr(settings, name) and settings.format != format_:
            flag = name.replace("_", "-")
            raise ValueError(f"--{flag} is for --format {format_}, got --format {settings.format}: leave it out")
    if settings.format in OF_VOCABULARY:
        OF_VOCABULARY[settings.format](read_vocabulary(settings.model), settings.out)
        print_line(f"saved to {settings.out}")
        return
    lm = CharLM.load(settings.model)
    match settings.format:
        case "onnx":
            require_pytorch()
            from charlm.files.onnx.writer import save_onnx  # noqa: PLC0415 - needs PyTorch

            save_onnx(settings.out, lm.model, lm.vocabulary, cache=settings.cache, int8=settings.int8)
        case "js":
            save_javascript(settings.out, lm.stored, lm.vocabulary, max_bytes=settings.max_bytes, note=tell_note)
        case "arpa":
            save_arpa(settings.out, lm.stored, lm.vocabulary)
        case "nanogpt" | "mingpt" | "gpt2":
            require_pytorch()
            from charlm.files.foreign.writer import save_classic_gpt  # noqa: PLC0415 - needs PyTorch

            save_classic_gpt(settings.out, lm.stored, lm.vocabulary, settings.format)
    print_line(f"saved to {settings.out}")


def import_(settings: file_flags.Import) -> None:
    """Writes a model of another program as a model file."""
    inside = settings.checkpoint.iterdir() if settings.checkpoint.is_dir() else ()
    check_not_read(settings.out, [settings.checkpoint, *inside])
    require_pytorch()
    if settings.vocabulary is not None and settings.text:
        raise ValueError("vocabulary and text both say what the characters are: give one of them")
    if settings.vocabulary is not None:
        RunFolder(settings.vocabulary).refuse_to_replace(settings.out)
    vocabulary: Vocabulary | Path | None = settings.vocabulary
    if settings.text:
        check_not_source(settings.out, expand_sources(settings.text))
        vocabulary = Vocabulary.from_file(settings.text)
    if settings.checkpoint.is_file() and kind_of_file(settings.checkpoint) == ARPA:
        for name in ("vocabulary", "text", "n_heads"):
            if getattr(settings, name):
                raise ValueError(f"{name}: an ARPA file says all there is to know: leave it out")
        model, ids = load_arpa(settings.checkpoint)
        save_model(settings.out, model.table.to_ship(), ids)
    else:
        from charlm.files.foreign.reader import load_classic_gpt  # noqa: PLC0415 - needs PyTorch

        save_model(settings.out, *load_classic_gpt(settings.checkpoint, vocabulary, n_heads=settings.n_heads))
    print_line(f"saved to {settings.out}")
    suggest(["charlm", "generate", settings.out])
