"""Text made up on the command line: ``generate``."""

from __future__ import annotations

import sys
from itertools import chain
from typing import TYPE_CHECKING, Any

from charlm.cli.output import lines_of, print_json
from charlm.lm import CharLM
from chartok import read_text

if TYPE_CHECKING:
    from charlm.cli import flags


def generate(settings: flags.Generate) -> None:
    """Prints text that a model makes up."""
    lm = CharLM.load(settings.model, device=settings.device)
    if settings.exclude is not None and not lm.is_of_records:
        raise ValueError("exclude is for a model of records, and this is one of text")
    if settings.exclude is not None and settings.stop:
        raise ValueError("exclude is for whole records, and stop cuts them short: give one of the two")
    sampling: Any = {
        "settings": settings.sampling,
        "allowed": settings.allowed,
        "seed": settings.seed,
    }
    if settings.n_samples is None and settings.exclude is None and not settings.json:
        _stream(lm, settings, sampling)
        return
    for text in _made_up(lm, settings, sampling):
        if settings.json:
            print_json(text=text, prompt=settings.prompt, seed=settings.seed)
        else:
            print(text)


def _stream(lm: CharLM, settings: flags.Generate, sampling: Any) -> None:  # noqa: ANN401 - keywords of stream
    """Prints one text, each character as it comes."""
    new = lm.stream(settings.prompt, max_new_tokens=settings.max_new_tokens, stop=settings.stop, **sampling)
    is_watched = sys.stdout is not None and sys.stdout.isatty()
    for character in chain(settings.prompt, new):
        print(character, end="", flush=is_watched)
    print()


def _made_up(lm: CharLM, settings: flags.Generate, sampling: Any) -> list[str]:  # noqa: ANN401 - keywords of generate
    """Returns texts, or whole records where the model is one of records and nothing cuts them short."""
    n_samples = 1 if settings.n_samples is None else settings.n_samples
    if lm.is_of_records and not settings.stop:
        return lm.sample(
            n_samples,
            prefix=settings.prompt,
            max_length=len(settings.prompt) + settings.max_new_tokens,
            exclude=() if settings.exclude is None else set(lines_of(read_text(settings.exclude))),
            **sampling,
        )
    return lm.generate(
        settings.prompt,
        n_samples=n_samples,
        max_new_tokens=settings.max_new_tokens,
        stop=settings.stop,
        **sampling,
    )
