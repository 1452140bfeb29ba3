"""Trains models on the command line: ``train`` and ``demo``."""

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

from charlm.cli.output import print_json
from charlm.cli.reading import reading_of, tell_note, token_file_of
from charlm.cli.telling import Telling, tell
from charlm.data.corpora import python_docs
from charlm.files.run_folder import RunFolder
from charlm.lm import CharLM
from charlm.recipes import events
from charlm.recipes.corpus import Corpus, roles_of_text
from charlm.recipes.presets import TAKES, Recipe
from charlm.recipes.train import train as train_on
from charlm.runtime.launch import launched_rank
from charlm.runtime.pytorch import require_pytorch
from chartok import TokenFile, read_text
from chartok.files.reading import say_nothing

if TYPE_CHECKING:
    from charlm.cli import flags
    from charlm.recipes.events import Hook


def train(settings: flags.Train) -> None:
    """Trains a model and writes a run."""
    recipe = recipe_of(settings)
    if recipe.counts and launched_rank():
        return  # one process is enough for counting
    folder = RunFolder(settings.out or _default_folder(settings.texts[0], settings.model))
    resume = getattr(settings, "resume", False)
    with ExitStack() as stack:
        is_first = True
        if not recipe.counts:
            recipe, is_first = _joined(stack, recipe)
        # Only the first process: it may have written its run before another process gets here.
        if is_first and not resume:
            folder.refuse_a_run(
                "choose another --out" if recipe.counts else "resume it with --resume, or choose another --out"
            )
        if settings.json:
            stack.enter_context(redirect_stdout(sys.stderr))
        corpus = _corpus(settings, is_first=is_first)
        seed = recipe.config.seed if recipe.config is not None else 0
        learned, held_out = corpus.split(settings.train_fraction, seed=seed)
        hook: Hook = events.say_nothing
        if is_first:
            hook = stack.enter_context(Telling(folder, with_tensorboard=getattr(settings, "tensorboard", False)))
        trained = train_on(
            learned,
            recipe,
            validation=held_out,
            folder=folder,
            resume=resume,
            source=" ".join(settings.texts),
            hook=hook,
        )
    if settings.json and is_first:
        nats = trained.validation_nats
        print_json(
            run=str(folder.path),
            family=settings.model,
            validation_nats=nats,
            validation_bits=None if nats is None else nats / math.log(2),
        )


def _default_folder(text: str, family: str) -> Path:
    """Returns ``runs/NAME-FAMILY`` in the current folder, which may have come from anyone: a link is not followed.

    NAME is what remains of the name of the first source in that of a file.

    Raises:
        NotADirectoryError: It is a link.
    """
    name = Path(text).stem
    if not Path(text).exists():  # a pattern, a URL, or standard input
        name = re.sub(r"[^\w.-]+", "", name).strip("-") or "text"
    folder = Path("runs") / f"{name}-{family}"
    for path in (folder.parent, folder):
        if path.is_symlink():
            raise NotADirectoryError(
                errno.ENOTDIR, "is a symbolic link, which is followed only where --out names it", os.fspath(path)
            )
    return folder


def recipe_of(settings: flags.Train) -> Recipe:
    """Returns the recipe that the flags describe."""
    taken = {name: getattr(settings, name) for name in TAKES[settings.model] if name != "config"}
    return Recipe(family=settings.model, config=getattr(settings, "training", None), **taken)


def demo(_: flags.Demo) -> None:
    """Trains, evaluates and samples on text that ships with Python."""
    print("The text: the help topics that come with Python.")
    text = python_docs()
    for family in ("bigram", "ngram"):
        corpus = Corpus.of_text(text, roles_of_text(family))
        learned, held_out = corpus.split(0.9)
        trained = train_on(learned, Recipe(family=family), validation=held_out, hook=tell)
        sample = CharLM(trained.model, corpus.vocabulary).generate("The ", max_new_tokens=300, seed=1337)
        print(f"\nA sample after 'The ':\n\n{sample}\n")
    print("Now your own text: charlm train FILE")


def _joined(stack: ExitStack, recipe: Recipe) -> tuple[Recipe, bool]:
    """Joins the processes that torchrun started; returns the recipe of this one, and whether it is the first."""
    require_pytorch()
    from charlm.runtime.distributed import process_group, rank  # noqa: PLC0415 - need PyTorch

    device = stack.enter_context(process_group(recipe.device or "auto"))
    return dataclasses.replace(recipe, device=device), rank() == 0


def _corpus(settings: flags.Train, *, is_first: bool) -> Corpus:
    """Returns the corpus of a text, whole or by lines, or of a token file, which is verified first."""
    reading = reading_of(settings.reading)
    note = tell_note if is_first else say_nothing
    asked: Any = {"symbols": settings.symbols, "unit": settings.unit}
    name = token_file_of(settings.texts, settings.reading, records=settings.records)
    if name is None and settings.records:
        return Corpus.of_record_files(settings.texts, reading, note, **asked)
    if name is None:
        return Corpus.of_text(read_text(settings.texts, reading, note=note), roles_of_text(settings.model), **asked)
    if settings.symbols or settings.unit != "character":
        raise ValueError(f"{name!a} is a token file, which has its symbols: give symbols or unit to prepare")
    tokens = TokenFile(name)
    if is_first:
        tokens.verify()
    return Corpus.of_tokens(tokens)
