"""Trains models on the command line: ``train`` and ``demo``."""

from __future__ import annotations

import dataclasses
import errno
import math
import os
import sys
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charlm.cli import flags
from charlm.cli.output import print_json
from charlm.cli.telling import Telling, tell
from charlm.data.corpora import python_docs
from charlm.files.run_folder import RunFolder
from charlm.lm import CharLM
from charlm.recipes import events
from charlm.recipes.corpus import Corpus, roles_of_text
from charlm.recipes.description import Source
from charlm.recipes.presets import TAKES, Recipe
from charlm.recipes.train import train as train_on
from charlm.runtime.launch import launched_rank
from charlm.runtime.pytorch import require_pytorch
from chartok import TokenFile, read_text
from chartok.files.lines import read_records
from chartok.token_file import is_token_file

if TYPE_CHECKING:
    from charlm.recipes.events import Hook
    from chartok import Vocabulary

DEFAULTS = {"train_fraction": 0.9, "split": "tail", "min_count": 1}
"""What flags about data mean where they are not given: a run that has these values does not name them."""


def train(settings: flags.Train) -> None:
    """Trains a model and writes a run."""
    recipe = recipe_of(settings)
    if recipe.counts and launched_rank():
        return  # one process is enough for counting
    folder = RunFolder(settings.out or _default_folder(settings.text, settings.model))
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
        seed = recipe.config.seed if recipe.config is not None else 0
        learned, held_out = _parts(settings, seed, is_first=is_first)
        hook: Hook = events.say_nothing
        if is_first:
            hook = stack.enter_context(Telling(folder, with_tensorboard=getattr(settings, "tensorboard", False)))
        trained = train_on(
            learned,
            recipe,
            validation=held_out,
            folder=folder,
            resume=resume,
            source=Source(text=str(settings.text), settings=_of_data(settings)),
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


def _default_folder(text: Path, family: str) -> Path:
    """Returns ``runs/NAME-FAMILY`` in the current folder, which may have come from anyone: a link is not followed.

    Raises:
        NotADirectoryError: It is a link.
    """
    folder = Path("runs") / f"{text.stem}-{family}"
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


def _parts(settings: flags.Train, seed: int, *, is_first: bool) -> tuple[Corpus, Corpus]:
    """Returns the data to train on and those for validation."""
    corpus = _corpus(settings.text, settings, None, is_first=is_first)
    if settings.validation is None:
        share: Any = DEFAULTS["train_fraction"] if settings.train_fraction is None else settings.train_fraction
        return corpus.split(share, seed=seed, how=settings.split or "tail")
    for name in ("train_fraction", "split"):
        if getattr(settings, name) is not None:
            raise ValueError(f"{name} says what to hold out of the text, and validation is a text of its own")
    return corpus, _corpus(settings.validation, settings, corpus.vocabulary, is_first=is_first)


def _corpus(path: Path, settings: flags.Train, vocabulary: Vocabulary | None, *, is_first: bool) -> Corpus:
    """Returns the corpus of a UTF-8 text, whole or by lines, or of a token file, which is verified first.

    Args:
        path: The file.
        settings: How to read it.
        vocabulary: That of the training data, for those for validation; None makes it.
        is_first: Whether this is the first of several processes.
    """
    limits: Any = {"min_count": settings.min_count, "max_size": settings.max_size}
    if settings.records:
        return Corpus.of_records(read_records(path), vocabulary=vocabulary, name=str(path), **limits)
    roles = roles_of_text(settings.model)
    if not is_token_file(path):
        return Corpus.of_text(read_text(path), roles, vocabulary=vocabulary, name=str(path), **limits)
    if vocabulary is None and limits != {"min_count": 1, "max_size": None}:
        raise ValueError(f"{str(path)!a} is a token file, which has its vocabulary: give min_count to prepare")
    tokens = TokenFile(os.fspath(path))
    if is_first:
        tokens.verify()
    return Corpus.of_tokens(tokens, roles, vocabulary=vocabulary)


def _of_data(settings: flags.Train) -> dict[str, Any]:
    """Returns how the text is read and split, as JSON values; None for what is as by default."""
    given = {name: getattr(settings, name) for name in flags.OF_DATA}
    return {
        name: None if value == DEFAULTS.get(name) else str(value) if isinstance(value, Path) else value
        for name, value in given.items()
    }
