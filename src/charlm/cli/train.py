"""Trains models on the command line: ``train``."""

from __future__ import annotations

import dataclasses
import errno
import math
import os
import re
import sys
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charlm.cli.calibrate import calibrate_file, check_enough, told
from charlm.cli.command import OF_READING
from charlm.cli.families import OF_DATA, as_flag
from charlm.cli.lists import hint_of_records
from charlm.cli.mistakes import UsageError
from charlm.cli.output import print_json, print_line, print_note, suggest
from charlm.cli.reading import OF_NEW_VOCABULARY, for_kind, reading_of, tell_note, without_shared
from charlm.cli.telling import Telling
from charlm.files.run_folder import RunFolder
from charlm.lm import CharLM
from charlm.recipes import events
from charlm.recipes.description import Source
from charlm.recipes.holding_out import split_as_they_come, texts_of
from charlm.recipes.presets import TAKES, Recipe
from charlm.recipes.shaping import shaped
from charlm.recipes.sources import corpus_of_files, is_token_source
from charlm.recipes.starting import Start
from charlm.recipes.train import train as train_on
from charlm.report.live import LiveReport
from charlm.runtime.launch import launched_rank
from charlm.runtime.pytorch import require_pytorch
from chartok import ReadingSettings
from chartok.arguments import seed_of_generators
from chartok.files.reading import say_nothing

if TYPE_CHECKING:
    from charlm.cli.command import Several
    from charlm.cli.train_flags import Train
    from charlm.recipes.corpus import Corpus
    from charlm.recipes.events import Hook
    from chartok import Vocabulary

DEFAULTS = {"train_fraction": 0.9, "split": "tail", "split_seed": 0, "min_count": 1, "unit": "character"}
"""What flags about data mean where they are not given: a run that has these values does not name them."""
OF_SPLIT = ("train_fraction", "split", "split_seed")
"""Flags that say what to hold out of a text."""


def train(settings: Train) -> None:
    """Trains a model and writes a run."""
    settings = for_kind(settings, records=settings.records)
    if settings.validation:
        settings = without_shared(settings, OF_SPLIT)
    recipe = recipe_of(settings)
    if recipe.counts and launched_rank():
        return  # one process is enough for counting
    folder = RunFolder(settings.out or _default_folder(settings.texts[0], settings.model))
    live = LiveReport(folder) if getattr(settings, "live", False) else None
    resume = getattr(settings, "resume", False)
    if resume:
        settings = _with_start_of_run(settings, folder)
    with ExitStack() as stack:
        recipe, is_first = (recipe, True) if recipe.counts else _joined(stack, recipe)
        # Only the first process: it may have written its run before another process gets here.
        if is_first and not resume:
            folder.refuse_a_run(f"{'' if recipe.counts else 'resume it with --resume, or '}choose another --out")
        if settings.json:
            stack.enter_context(redirect_stdout(sys.stderr))
        start = _start(settings, folder)
        learned, held_out = _parts(settings, recipe, start, is_first=is_first)
        usual = _usual(held_out) if settings.calibrate and is_first else []
        telling = Telling(folder, with_tensorboard=getattr(settings, "tensorboard", False))
        hook = _hook(stack, telling, live) if is_first else events.say_nothing
        trained = train_on(
            learned,
            recipe,
            validation=held_out,
            folder=folder,
            resume=resume,
            start=start,
            source=Source(text=" ".join(settings.texts), settings=_of_data(settings)),
            hook=hook,
        )
        if usual and not telling.is_stopped:
            _calibrate(folder, usual, recipe.device)
    if settings.json and is_first:
        _print_as_json(folder, settings.model, trained.validation_nats)
    elif is_first and not telling.is_stopped:
        _suggest(folder, settings, is_of_records=learned.is_of_records)


def _suggest(folder: RunFolder, settings: Train, *, is_of_records: bool) -> None:
    """Suggests what to do with a new model."""
    several = ["-n", "10"] if is_of_records else []
    unusual = [["charlm", "score", folder.path, "--unusual", "0.01", "--spans", "FILE"]] if settings.calibrate else []
    generate, play = ["charlm", "generate", folder.path, *several], ["charlm", "play", folder.path, "--open"]
    suggest(generate, play, ["charlm", "report", folder.path], *unusual)


def _hook(stack: ExitStack, telling: Telling, live: LiveReport | None) -> Hook:
    """Returns what is called with each event: what prints it, and what writes the report, if that is asked for."""
    told = stack.enter_context(telling)
    return told if live is None else events.both(told, stack.enter_context(live))


def _usual(held_out: Corpus) -> list[str]:
    """Returns the lines to calibrate a model on."""
    lines = texts_of(held_out)
    check_enough(lines, "{} are held out; give more text, or hold out more of it with --train-fraction")
    return lines


def _calibrate(folder: RunFolder, lines: list[str], device: str | None) -> None:
    _, lowest = calibrate_file(folder, CharLM.load(folder, device=device or "cpu"), lines)
    print_line(told(len(lines), lowest))


def _print_as_json(folder: RunFolder, family: str, nats: float | None) -> None:
    bits = None if nats is None else nats / math.log(2)
    print_json(run=str(folder.path), family=family, validation_nats=nats, validation_bits=bits)


def _default_folder(text: str, family: str) -> Path:
    """Returns ``runs/NAME-FAMILY`` in the current folder, which may have come from anyone: a link is not followed.

    Raises:
        NotADirectoryError: It is a link.
    """
    folder = Path("runs") / f"{_name_of(text)}-{family}"
    for path in (folder.parent, folder):
        if path.is_symlink():
            raise NotADirectoryError(
                errno.ENOTDIR, "is a symbolic link, which is followed only where --out names it", os.fspath(path)
            )
    return folder


def _name_of(text: str) -> str:
    """Returns the name of a source without its ending, or of a URL that of its innermost file; never a hidden one.

    What a pattern leaves is the name; where nothing is left, that of the archive that it is in, or else ``text``.
    """
    path = Path(text)
    if path.exists():
        named = path.resolve() if path.name in ("", "..") else path
        return (named.name if path.is_dir() else named.stem).lstrip(".") or "text"
    *outer, last = text.split("::")
    parts = [re.split("[?#]", part.partition("://")[2])[0] for part in outer]
    parts.append(re.split("[?#]", last.partition("://")[2])[0] if "://" in last else last)
    names = (re.sub(r"[^\w.-]+", "", Path(part).stem).lstrip(".-").rstrip("-") for part in parts)
    return next(filter(None, names), "text")


def recipe_of(settings: Train) -> Recipe:
    """Returns the recipe that the flags describe."""
    taken = {name: getattr(settings, name) for name in TAKES[settings.model] if name != "config"}
    return Recipe(family=settings.model, config=getattr(settings, "training", None), **taken)


def _joined(stack: ExitStack, recipe: Recipe) -> tuple[Recipe, bool]:
    """Joins the processes that torchrun started; returns the recipe of this one, and whether it is the first."""
    require_pytorch()
    from charlm.runtime.distributed import process_group, rank  # noqa: PLC0415 - need PyTorch

    device = stack.enter_context(process_group(recipe.device or "auto"))
    return dataclasses.replace(recipe, device=device), rank() == 0


def _with_start_of_run(settings: Train, folder: RunFolder) -> Train:
    """Returns the settings with what the run in a folder started from, unless something else is given."""
    description = folder.read_description()
    began = None if description is None else description.settings.get("init_from")
    path: Path | None = getattr(settings, "init_from", None)
    if began is None or (path is not None and path.resolve() != Path(began).resolve()):
        return settings
    assert description is not None  # noqa: S101 - it has a setting
    flags: Any = {"init_from": Path(began)}
    if path is None:
        flags["init_optimizer"] = description.settings.get("init_optimizer", False)
    return dataclasses.replace(settings, **flags)


def _start(settings: Train, folder: RunFolder) -> Start | None:
    """Returns the model from which training starts, if any.

    That of a resumed run need not be there any more: the run itself has its vocabulary and its shape. That of a mixture
    has counts, too.
    """
    path: Path | None = getattr(settings, "init_from", None)
    with_optimizer = getattr(settings, "init_optimizer", False)
    if path is None and with_optimizer:
        raise UsageError("--init-optimizer continues with the optimizer of a run: give its folder as --init-from")
    if path is None:
        return None
    if getattr(settings, "resume", False) and folder.checkpoint_paths() and settings.model != "mixture":
        return Start.of_file(folder.path)
    return Start.of_file(path, with_optimizer=with_optimizer)


def _parts(settings: Train, recipe: Recipe, start: Start | None, *, is_first: bool) -> tuple[Corpus, Corpus]:
    """Returns the data to train on and those for validation; long records are dealt with before the split."""
    extends = None if start is None else start.vocabulary
    corpus = _corpus(settings.texts, settings, is_first=is_first, extends=extends)
    if is_first and (hint := hint_of_records(corpus)):
        print_note(hint)
    corpus = shaped(corpus, recipe)
    if not settings.validation:
        share: Any = DEFAULTS["train_fraction"] if settings.train_fraction is None else settings.train_fraction
        seed = _split_seed(settings, corpus)
        if settings.calibrate and corpus.is_of_records and settings.split is None:
            return split_as_they_come(corpus, share, seed=seed)
        is_shared = corpus.is_of_records and "split" in settings.shared
        return corpus.split(share, seed=seed, how=None if is_shared else settings.split)
    for name in OF_SPLIT:
        if getattr(settings, name) is not None:
            raise UsageError(f"{as_flag(name)} says what to hold out of the text, and --validation is a separate text")
    if corpus.is_of_records:
        settings = dataclasses.replace(settings, records=True)
    return corpus, _corpus(settings.validation, settings, is_first=is_first, vocabulary=corpus.vocabulary)


def _split_seed(settings: Train, corpus: Corpus) -> int:
    """Returns the seed of what is held out, which is the same for every family.

    Raises:
        UsageError: One is given, and nothing is drawn.
        ValueError: It does not fit in 64 bits.
    """
    if settings.split_seed is None:
        return 0
    is_drawn = corpus.is_of_records or settings.split == "random-blocks"
    if not is_drawn and "split_seed" not in settings.shared:
        raise UsageError("--split-seed draws records or blocks, and nothing is drawn: add --split random-blocks")
    return seed_of_generators("split_seed", settings.split_seed)


def _corpus(
    texts: Several,
    settings: Train,
    *,
    is_first: bool,
    vocabulary: Vocabulary | None = None,
    extends: Vocabulary | None = None,
) -> Corpus:
    """Returns the corpus of a text, whole or by lines, or of a token file, which is verified first.

    Args:
        texts: The sources.
        settings: How to read them.
        is_first: Whether this is the first of several processes.
        vocabulary: That of the training data, for those for validation; None makes one.
        extends: The vocabulary that one that is made extends.
    """
    if is_token_source(texts):
        settings = without_shared(settings, (*OF_READING, *OF_NEW_VOCABULARY))
    return corpus_of_files(
        texts,
        records=settings.records,
        reading=reading_of(settings.reading),
        note=tell_note if is_first else say_nothing,
        verify=is_first,
        vocabulary=vocabulary,
        extends=extends,
        symbols=settings.symbols,
        unit=settings.unit,
        min_count=settings.min_count,
        max_size=settings.max_size,
    )


def _of_data(settings: Train) -> dict[str, Any]:
    """Returns how the text is read and split, as JSON values; None for what is as by default."""
    given = {name: getattr(settings, name) for name in OF_DATA} | vars(reading_of(settings.reading))
    given |= {"reading": None, "validation": " ".join(settings.validation) or None}
    start = getattr(settings, "init_from", None)
    given |= {"symbols": [*settings.symbols] or None}  # as it comes back from JSON
    given |= {"init_from": None if start is None else os.fspath(start)}
    given |= {"init_optimizer": getattr(settings, "init_optimizer", None) or None}
    defaults = DEFAULTS | vars(ReadingSettings())
    return {name: None if value == defaults.get(name) else value for name, value in given.items()}
