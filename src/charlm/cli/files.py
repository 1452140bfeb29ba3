"""Files on the command line: ``prepare``, ``info``, ``report`` and ``export``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from charlm.cli.output import print_json, print_line
from charlm.cli.reading import check_unused, reading_of, tell_note
from charlm.files.arpa.writer import save_arpa
from charlm.files.run_folder import RunFolder
from charlm.lm import CharLM
from charlm.report.page import write_report
from charlm.runtime.pytorch import require_pytorch
from chartok import TokenFile, Vocabulary, encode_file, read_records, read_text
from chartok.files.atomic import check_not_read
from chartok.files.sources import check_two_readings, expand_sources
from chartok.token_file import is_token_file

if TYPE_CHECKING:
    from pathlib import Path

    from charlm.cli import flags


def prepare(settings: flags.Prepare) -> None:
    """Writes texts of any size to a token file."""
    if settings.vocabulary is not None:
        check_not_read(settings.out, [settings.vocabulary])
    with tqdm(unit="B", unit_scale=True, disable=None) as bar:

        def show(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        with encode_file(
            settings.sources,
            settings.out,
            _vocabulary(settings),
            records=settings.records,
            errors=settings.errors,
            progress=show,
            note=tell_note,
            settings=reading_of(settings.reading),
        ) as tokens:
            records, vocabulary = tokens.records, tokens.vocabulary
            characters = len(tokens) - 2 * (records or 0)
    if settings.json:
        print_json(
            file=str(settings.out),
            characters=characters,
            records=records,
            symbols=vocabulary.size,
            fingerprint=vocabulary.fingerprint,
        )
    else:
        unit = "characters" if vocabulary.longest_symbol == 1 else "ids"
        of_records = "" if records is None else f"{records:,} records, "
        print_line(f"{of_records}{characters:,} {unit}, {vocabulary.size} symbols: saved to {settings.out}")


def _vocabulary(settings: flags.Prepare) -> Vocabulary | None:
    """Returns the vocabulary that was asked for; None for that of the characters of the text."""
    has_units = bool(settings.symbols) or settings.unit != "character"
    if settings.vocabulary is None:
        if not has_units:
            return None
        reading = reading_of(settings.reading)
        check_two_readings(expand_sources(settings.sources, reading.pattern))
        asked: Any = {"symbols": settings.symbols, "unit": settings.unit}
        if settings.records:
            records = read_records(settings.sources, reading)
            return Vocabulary.from_text(records, special_tokens=["bos", "eos", "unk"], **asked)
        return Vocabulary.from_file(settings.sources, settings=reading, **asked)
    if has_units:
        raise ValueError("vocabulary has its symbols: leave out symbols and unit")
    return _read_vocabulary(settings.vocabulary)


def _read_vocabulary(path: Path) -> Vocabulary:
    if not is_token_file(path):
        return Vocabulary.load(path)
    with TokenFile(path) as tokens:
        return tokens.vocabulary


def info(settings: flags.Info) -> None:
    """Prints the contents of a model file."""
    lm = CharLM.load(settings.model)
    facts = lm.facts()
    if settings.json:
        print_json(**facts)
        return
    for name, value in facts.items():
        print_line(f"{name.replace('_', ' '):14} {_shown(value)}")


def _shown(value: Any) -> str:  # noqa: ANN401 - a fact of info
    if isinstance(value, int):
        return f"{value:,}"
    return ", ".join(value) or "none" if isinstance(value, list) else str(value)


def report(settings: flags.Report) -> None:
    """Writes one HTML file that shows a run."""
    reading = reading_of(settings.reading)
    text = None
    if settings.text:
        if settings.out is not None:
            check_not_read(settings.out, expand_sources(settings.text, reading.pattern))
        text = read_text(settings.text, reading, note=tell_note)
    else:
        check_unused(settings.reading, "--text")
    out = write_report(settings.run, settings.out, text=text, seed=settings.seed, device=settings.device)
    print_line(f"saved to {out}")


def export(settings: flags.Export) -> None:
    """Writes a model, or its vocabulary, in a form that other programs read."""
    check_not_read(settings.out, [settings.model, RunFolder(settings.model).model_path])
    lm = CharLM.load(settings.model)
    match settings.format:
        case "onnx":
            require_pytorch()
            from charlm.files.onnx import save_onnx  # noqa: PLC0415 - needs PyTorch

            save_onnx(settings.out, lm.model, lm.vocabulary)
        case "arpa":
            save_arpa(settings.out, lm.stored, lm.vocabulary)
        case "tokenizer-json":
            lm.vocabulary.to_tokenizer_json(settings.out)
    print_line(f"saved to {settings.out}")
