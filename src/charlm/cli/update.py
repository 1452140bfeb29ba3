"""Adds texts to a counted model on the command line: ``update``."""

from __future__ import annotations

import sys
from contextlib import ExitStack, redirect_stdout
from typing import TYPE_CHECKING

from charlm.cli.calibrate import tell_left_out
from charlm.cli.command import OF_READING
from charlm.cli.output import print_json, suggest
from charlm.cli.reading import OF_NEW_VOCABULARY, for_kind, reading_of, tell_note, without_shared
from charlm.cli.telling import tell
from charlm.data.framing import Framing
from charlm.files.model_file import load_with_file
from charlm.files.run_folder import RunFolder
from charlm.recipes.description import Source
from charlm.recipes.sources import corpus_of_files, is_token_source
from charlm.recipes.updating import update as update_with

if TYPE_CHECKING:
    from charlm.cli.train_flags import Update


def update(settings: Update) -> None:
    """Adds texts to a model and writes a run."""
    folder = RunFolder(settings.out)
    model, file = load_with_file(settings.model)
    vocabulary = file.vocabulary
    tell_left_out(settings.model, is_calibrated=file.calibration is not None)
    is_of_records = settings.records or Framing(vocabulary).is_of_records
    settings = for_kind(settings, records=is_of_records)
    if is_token_source(settings.texts):
        settings = without_shared(settings, (*OF_READING, *OF_NEW_VOCABULARY))
    with ExitStack() as stack:
        stack.enter_context(folder.locked())
        folder.refuse_a_run("choose another --out")
        if settings.json:
            stack.enter_context(redirect_stdout(sys.stderr))
        corpus = corpus_of_files(
            settings.texts,
            records=is_of_records,
            reading=reading_of(settings.reading),
            note=tell_note,
            extends=vocabulary,
            symbols=settings.symbols,
            unit=settings.unit,
            min_count=settings.min_count,
        )
        source = Source(text=" ".join(settings.texts), settings={"updated": str(settings.model)})
        update_with(model, vocabulary, corpus, folder=folder, source=source, hook=tell)
    if settings.json:
        symbols = len(corpus.vocabulary.symbols)
        new_symbols = symbols - len(vocabulary.symbols)
        print_json(run=str(folder.path), family=model.family, symbols=symbols, new_symbols=new_symbols)
    else:
        suggest(["charlm", "generate", folder.path])
