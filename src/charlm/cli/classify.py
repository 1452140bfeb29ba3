"""Tells lines apart on the command line: ``classify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from charlm.classification.classifier import TextClassifier
from charlm.classification.classifier_file import is_classifier_folder
from charlm.classification.unknown import are_unknown, check_calibrated
from charlm.cli.answers import answer_lines, for_every_line
from charlm.cli.output import print_json, shown_line
from charlm.cli.reading import admitted_lines
from charlm.data.framing import Framing
from charlm.lm import CharLM

if TYPE_CHECKING:
    from charlm.cli import scoring_flags
    from chartok import UnknownCharacterError

UNKNOWN = "unknown"
"""What is printed for a line of no class."""


def classify(settings: scoring_flags.Classify) -> None:
    """Prints the class of each line as it comes, those before an invalid byte before it is an error."""
    settings = for_every_line(settings, "classify")
    classifier = _classifier(settings)
    if UNKNOWN in classifier.labels and settings.unknown is not None and not settings.json:
        raise ValueError(f"a class is called {UNKNOWN}, like lines of no class: give --json, where those have null")
    if settings.unknown is not None:
        check_calibrated(classifier.models, settings.unknown)

    def answer(lines: list[str]) -> UnknownCharacterError | None:
        admitted, refused = _admitted(classifier, lines)
        _show_classes(classifier, admitted, settings.unknown, as_json=settings.json)
        return refused

    answer_lines(settings.text, settings.reading, answer)


def _show_classes(classifier: TextClassifier, lines: list[str], unknown_below: float | None, *, as_json: bool) -> None:
    """Prints lines with their classes and how probable these are."""
    found = classifier.probabilities(lines)
    best = found.argmax(axis=1)
    labels: list[str | None] = [classifier.labels[place] for place in best.tolist()]
    if unknown_below is not None:
        for place in np.flatnonzero(are_unknown(classifier.models, lines, best, unknown_below)).tolist():
            labels[place] = None
    for line, label, probabilities in zip(lines, labels, found.tolist(), strict=True):
        _print_answer(line, label, dict(zip(classifier.labels, probabilities, strict=True)), as_json=as_json)


def _admitted(classifier: TextClassifier, lines: list[str]) -> tuple[list[str], UnknownCharacterError | None]:
    """Returns lines up to one that has a character that some model refuses, and the error about that one."""
    found = [admitted_lines(Framing(model.vocabulary), lines, None) for model in classifier.models.values()]
    return min(found, key=lambda admitted_and_refused: len(admitted_and_refused[0]))


def _print_answer(line: str, label: str | None, probabilities: dict[str, float], *, as_json: bool) -> None:
    best = max(probabilities.values())
    if as_json:
        print_json(label=label, probability=best, probabilities=probabilities, text=line)
    else:
        shown = UNKNOWN if label is None else shown_line(label, on_terminal=True).replace("\t", r"\t")
        print(f"{shown}\t{best:.4f}\t{shown_line(line)}")


def _classifier(settings: scoring_flags.Classify) -> TextClassifier:
    """Returns the classifier of a folder, or of models.

    Raises:
        ValueError: There are other models beside a classifier, two are called the same, or the priors do not suit them.
    """
    if any(is_classifier_folder(model) for model in settings.models):
        if len(settings.models) > 1 or settings.priors:
            raise ValueError("the folder of a classifier has its models and priors: give it alone, without --priors")
        return TextClassifier.load(settings.models[0], device=settings.device)
    paths = dict[str, str]()
    for model in settings.models:
        label, path = _named(model)
        if label in paths:
            raise ValueError(f"both {paths[label]!a} and {path!a} are called {label!a}: name one as in NAME={path}")
        paths[label] = path
    priors = _priors(settings.priors, [*paths])
    models = {label: CharLM.load(path, device=settings.device) for label, path in paths.items()}
    return TextClassifier(models, priors=priors)


def _named(model: str) -> tuple[str, str]:
    """Returns the label and the path of a model as it was typed."""
    label, equals, path = model.partition("=")
    if equals and label and path and not Path(model).exists():
        return label, path
    return (Path(model).resolve().name if Path(model).is_dir() else Path(model).stem), model


def _priors(typed: tuple[str, ...], labels: list[str]) -> dict[str, float] | None:
    if not typed:
        return None
    if len(typed) != len(labels):
        raise ValueError(f"--priors must be one number for each of {len(labels)} models, got {len(typed)}")
    try:
        return dict(zip(labels, map(float, typed), strict=True))
    except ValueError:
        raise ValueError(f"--priors must be numbers, got {' '.join(typed)}") from None
