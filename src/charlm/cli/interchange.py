"""Models in the files of other programs, on the command line: ``export`` and ``import``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charlm.cli.families import as_flag
from charlm.cli.mistakes import UsageError
from charlm.cli.output import print_line, print_note, suggest
from charlm.cli.reading import tell_note
from charlm.files.arpa.writer import load_arpa_table, save_arpa
from charlm.files.foreign.checkpoint import foreign_tensor_file, weights_file
from charlm.files.kinds import ARPA, kind_of_file
from charlm.files.model_file import save_model
from charlm.files.run_folder import RunFolder
from charlm.files.vocabularies import read_vocabulary
from charlm.lm import CharLM
from charlm.recipes.browser import save_javascript
from charlm.runtime.pytorch import require_pytorch
from chartok import Vocabulary
from chartok.files.atomic import check_not_read
from chartok.files.sources import check_not_source, expand_sources

if TYPE_CHECKING:
    from pathlib import Path

    from charlm.cli.file_flags import Export, Import

OF_VOCABULARY = {"tokenizer-json": Vocabulary.to_tokenizer_json, "vocabulary": Vocabulary.save}
"""How to write each format that has a vocabulary alone."""
KENLM_ORDER = 6
"""The highest order that KenLM's standard build reads."""


def export(settings: Export) -> None:
    """Writes a model, or its vocabulary, in a form that other programs read."""
    RunFolder(settings.model).refuse_to_replace(settings.out)
    for name, format_ in (("cache", "onnx"), ("int8", "onnx"), ("max_bytes", "js")):
        if getattr(settings, name) and settings.format != format_:
            flag = name.replace("_", "-")
            raise UsageError(f"--{flag} is for --format {format_}, got --format {settings.format}: leave it out")
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
            if lm.settings["order"] > KENLM_ORDER:
                print_note(f"KenLM reads orders up to {KENLM_ORDER} unless it is built for more: train with --order")
        case "nanogpt" | "mingpt" | "gpt2":
            require_pytorch()
            from charlm.files.foreign.writer import save_classic_gpt  # noqa: PLC0415 - needs PyTorch

            save_classic_gpt(settings.out, lm.stored, lm.vocabulary, settings.format)
    print_line(f"saved to {settings.out}")


def import_(settings: Import) -> None:
    """Writes a model of another program as a model file."""
    inside = settings.checkpoint.iterdir() if settings.checkpoint.is_dir() else ()
    check_not_read(settings.out, [settings.checkpoint, *inside])
    if settings.vocabulary is not None and settings.text:
        raise UsageError("--vocabulary and --text both say what the characters are: give one of them")
    if settings.vocabulary is not None:
        RunFolder(settings.vocabulary).refuse_to_replace(settings.out)
    vocabulary: Vocabulary | Path | None = settings.vocabulary
    if settings.text:
        check_not_source(settings.out, expand_sources(settings.text))
        vocabulary = Vocabulary.from_file(settings.text)
    if settings.checkpoint.is_file() and kind_of_file(settings.checkpoint) == ARPA:
        for name in ("vocabulary", "text", "n_heads"):
            if getattr(settings, name):
                raise UsageError(f"{as_flag(name)}: an ARPA file says all there is to know: leave it out")
        table, ids = load_arpa_table(settings.checkpoint)
        save_model(settings.out, table.to_ship(), ids)
    else:
        foreign_tensor_file(weights_file(settings.checkpoint))
        require_pytorch()
        from charlm.files.foreign.reader import load_classic_gpt  # noqa: PLC0415 - needs PyTorch

        save_model(settings.out, *load_classic_gpt(settings.checkpoint, vocabulary, n_heads=settings.n_heads))
    print_line(f"saved to {settings.out}")
    suggest(["charlm", "generate", settings.out])
