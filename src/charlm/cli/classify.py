"""Tells lines apart on the command line: ``classify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from charlm.classification.classifier import TextClassifier
from charlm.classification.classifier_file import is_classifier_folder
from charlm.cli.output import print_json, shown_line
from charlm.cli.reading import admitted_lines, for_kind, reading_of, tell_note, without_shared
from charlm.data.framing import Framing
from charlm.lm import CharLM
from chartok import UnknownCharacterError
from chartok.files.records import batched_records
from chartok.files.sources import STANDARD_INPUT, expand_sources

if TYPE_CHECKING:
    from charlm.cli import scoring_flags

UNKNOWN = "unknown"
"""What is printed for a line of no class."""


def classify(settings: scoring_flags.Classify) -> None:
    """Prints the class of each line as it comes, those before an invalid byte before it is an error."""
    settings = without_shared(for_kind(settings, records=True), ("blank_lines",))
    reading = reading_of(settings.reading)
    if reading.blank_lines == "skip":
        raise ValueError("classify answers every line, and --blank-lines skip leaves some out: leave it out")
    classifier = _classifier(settings)
    if UNKNOWN in classifier.labels and settings.unknown is not None and not settings.json:
        raise ValueError(f"a class is called {UNKNOWN}, like lines of no class: give --json, where those have null")
    classifier.classify([], unknown_below=settings.unknown)  # says what is wrong before a line is read
    for name in expand_sources(settings.text or STANDARD_INPUT, reading.pattern):
        n_lines = 0
        for lines in batched_records(name, reading, tell_note, may_grow=True):
            admitted, refused = _admitted(classifier, lines)
            labels = classifier.classify(admitted, unknown_below=settings.unknown)
            found = classifier.probabilities(admitted).tolist()
            for line, label, probabilities in zip(admitted, labels, found, strict=True):
                of_labels = dict(zip(classifier.labels, probabilities, strict=True))
                _print_answer(line, label, of_labels, as_json=settings.json)
            print(end="", flush=True)  # the next line may take a long time to arrive
            if refused is not None:
                shown, number = "standard input" if name == STANDARD_INPUT else name, n_lines + len(admitted)
                raise UnknownCharacterError(
                    refused.character, refused.position, refused.vocabulary_size, number, path=shown
                )
            n_lines += len(lines)


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
