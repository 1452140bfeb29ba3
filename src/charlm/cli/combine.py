"""Makes one n-gram model of several on the command line: ``merge`` and ``interpolate``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from charlm.cli.calibrate import tell_left_out
from charlm.cli.command import OF_READING
from charlm.cli.mistakes import UsageError
from charlm.cli.output import print_json, print_line
from charlm.cli.reading import for_kind, reading_of, tell_note, without_shared
from charlm.cli.telling import tell
from charlm.data.framing import Framing
from charlm.files.model_file import load_with_file, save_model
from charlm.files.run_folder import RunFolder
from charlm.recipes.combining import Part, joined_vocabulary
from charlm.recipes.combining import interpolate as interpolate_models
from charlm.recipes.combining import merge as merge_models
from charlm.recipes.events import UnknownFound
from charlm.recipes.sources import corpus_of_files, is_token_source
from chartok.files.sources import check_not_source, expand_sources

if TYPE_CHECKING:
    from pathlib import Path

    from charlm.cli.command import Several
    from charlm.cli.train_flags import Interpolate, Merge
    from charlm.models.ngram.table import NGramTable
    from charlm.recipes.corpus import Corpus


def merge(settings: Merge) -> None:
    """Adds the counts of models and writes the model file."""
    parts = _parts(settings.models, settings.out)
    model, vocabulary = merge_models(parts)
    save_model(settings.out, model, vocabulary)
    if settings.json:
        print_json(out=str(settings.out), order=model.order, n_grams=len(model), symbols=len(vocabulary.symbols))
        return
    for part in parts:
        order = part.model.settings()["order"]
        if order != model.order:
            print_line(f"{part.name}: its order is {order}, of which the n-grams up to order {model.order} are taken")
    _tell_saved(settings.out, model, f"smoothed ({model.smoothing})")


def interpolate(settings: Interpolate) -> None:
    """Mixes the probabilities of models and writes the model file."""
    parts = _parts(settings.models, settings.out)
    held_out = _held_out(settings, parts)
    found = interpolate_models(parts, held_out, settings.weights)
    save_model(settings.out, found.model, found.vocabulary)
    bits = [nats / math.log(2) for nats in (*found.nats, found.nats_together)]
    if settings.json:
        models = [
            {"model": part.name, "bits_per_symbol": own, "weight": weight}
            for part, own, weight in zip(parts, bits, found.weights, strict=False)
        ]
        together = {"bits_per_symbol": bits[-1], "order": found.model.order, "n_grams": len(found.model)}
        print_json(out=str(settings.out), models=models, **together)
        return
    if unknown := held_out.unknown:
        tell(UnknownFound(unknown=unknown, characters=held_out.characters, purpose="held out"))
    print_line(f"held out: {found.ids:,} symbols to predict")
    for part, own, weight in zip(parts, bits, found.weights, strict=False):
        print_line(f"{part.name}: {own:.4f} bits per symbol, mean weight {weight:.3f}")
    print_line(f"together: {bits[-1]:.4f} bits per symbol")
    _tell_saved(settings.out, found.model, "interpolated")


def _parts(models: Several, out: Path) -> list[Part]:
    if len(models) < 2:  # noqa: PLR2004 - one is nothing to combine
        raise UsageError(f"give at least two models to combine, got {len(models)}")
    for name in models:
        RunFolder(name).refuse_to_replace(out)
    return [_part(name) for name in models]


def _part(name: str) -> Part:
    model, file = load_with_file(name)
    tell_left_out(name, is_calibrated=file.calibration is not None)
    return Part(model, file.vocabulary, name)


def _held_out(settings: Interpolate, parts: list[Part]) -> Corpus:
    vocabulary = joined_vocabulary(parts)
    is_of_records = Framing(vocabulary).is_of_records
    settings = for_kind(settings, records=is_of_records)
    if is_token_source(settings.held_out):
        settings = without_shared(settings, OF_READING)
    check_not_source(settings.out, expand_sources(settings.held_out))
    return corpus_of_files(
        settings.held_out,
        records=is_of_records,
        reading=reading_of(settings.reading),
        note=tell_note,
        vocabulary=vocabulary,
    )


def _tell_saved(out: Path, model: NGramTable, how: str) -> None:
    print_line(f"n-gram model of order {model.order}, {len(model):,} n-grams, {how}")
    print_line(f"saved to {out}")
