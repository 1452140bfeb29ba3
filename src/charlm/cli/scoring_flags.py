"""The settings of the commands that score, judge or correct text: ``evaluate`` to ``correct``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Optional, TypeAlias

from tyro.conf import OmitArgPrefixes, Positional

from charlm.cli.command import READING, READING_LINES, Command, Several
from charlm.cli.docstrings import restore_docstrings
from chartok.arguments import Errors
from chartok.files.reading import ReadingSettings

Color: TypeAlias = Literal["auto", "always", "never"]


@dataclass(frozen=True, kw_only=True)
class Evaluate(Command):
    """Measure how well a model predicts a text.

    Every character is scored once, given those before it.

    Attributes:
        model: A run folder or a model file.
        texts: A text, preferably one that the model was not trained on: files, folders, patterns in quotes, URLs, or -
            for standard input; or a token file.
        records: Each line is an example of its own, as it always is for a model of records.
        prompt_end: What ends the prompt of each record, such as =; only what follows it counts.
        reading: How to read the files.
        errors: What to do with a character that the model does not know: strict stops, ignore leaves it out; replace,
            the default if the model has unk, counts it as unk.
        stride: How far apart blocks begin when a model with a limited context reads a longer text; by default half a
            block. The block size makes blocks that do not overlap, which takes half the time.
        device: Such as cpu, cuda or mps; auto uses the best available.
        json: Print one JSON object.

    Examples:
        charlm evaluate runs/input-ngram new.txt
        charlm evaluate runs/names new-names.txt --json

    See Also:
        models.md
    """

    runs = "evaluate.evaluate"

    model: Positional[Path]
    texts: Positional[Several]
    records: bool = False
    prompt_end: Optional[str] = None
    errors: Optional[Errors] = None
    reading: OmitArgPrefixes[ReadingSettings] = READING
    stride: Optional[int] = None
    device: str = "auto"
    json: bool = False


@dataclass(frozen=True, kw_only=True)
class Calibrate(Command):
    """Show a model usual lines, so that it can find unusual ones.

    The lines must not be among those that it was trained on. What they look like is stored in the model file.

    charlm train --calibrate does this with a held-out part of the text.

    Attributes:
        model: A run folder or a model file, which is rewritten; nothing else in it changes.
        sources: The lines: files, folders, patterns in quotes, URLs, or - for standard input; a false-alarm rate takes
            1 / rate - 1 of them, such as 999 for 0.001.
        reading: How to read the files.
        errors: What to do with a character that the model does not know: strict stops, ignore leaves it out; replace,
            the default if the model has unk, counts it as unk.
        device: Such as cpu, cuda or mps; auto uses the best available.
        json: Print one JSON object.

    Examples:
        charlm calibrate runs/log held-out.log
        charlm calibrate passwords.safetensors usual.txt --json

    See Also:
        howto/odd-lines.md
    """

    runs = "calibrate.calibrate"

    model: Positional[Path]
    sources: Positional[Several]
    errors: Optional[Errors] = None
    reading: OmitArgPrefixes[ReadingSettings] = READING
    device: str = "auto"
    json: bool = False


@dataclass(frozen=True, kw_only=True)
class Score(Command):
    """Score each line of a text, or print only the unusual ones.

    Prints the log-likelihood of each line, in nats, its bits per character, and the line.

    Attributes:
        model: A run folder or a model file.
        texts: Files, folders, patterns in quotes, or URLs; by default standard input.
        reading: How to read the files; blank lines are kept, since every line gets an answer.
        errors: What to do with a character that the model does not know: strict stops, ignore leaves it out; replace,
            the default if the model has unk, counts it as unk.
        stride: How far apart blocks begin when a model with a limited context reads a longer text; by default half a
            block. The block size makes blocks that do not overlap, which takes half the time.
        unusual: Print only the unusual lines, each with its p-value; the false-alarm rate is the share of usual lines
            that may be printed too, such as 0.001. The model has to be calibrated.
        spans: With --unusual, also show which part is unusual: in color on a terminal, otherwise in double brackets.
        color: Whether to color what is unusual: always, never, or auto, which does so on a terminal.
        device: Such as cpu, cuda or mps; auto uses the best available.
        json: Print one JSON object per line instead of tab-separated values.

    Examples:
        charlm score runs/input-ngram < lines.txt
        tail -f new.log | charlm score runs/log --unusual 0.001 --spans

    See Also:
        howto/odd-lines.md
    """

    runs = "evaluate.score"

    model: Positional[Path]
    texts: Positional[Several] = ()
    errors: Optional[Errors] = None
    reading: OmitArgPrefixes[ReadingSettings] = READING_LINES
    stride: Optional[int] = None
    unusual: Optional[float] = None
    spans: bool = False
    color: Color = "auto"
    device: str = "auto"
    json: bool = False


@dataclass(frozen=True, kw_only=True)
class Classify(Command):
    """Tell which of several models each line most probably belongs to.

    Prints the name of the model, the probability, and the line.

    Attributes:
        models: Run folders or model files, one for each class, which is named after the file or the folder, or by
            NAME=PATH; or the folder of one classifier.
        text: Files, folders, patterns in quotes, or URLs, whose lines to classify; by default standard input.
        priors: How probable each class is before a line is seen, in the order of the models, such as 0.9 0.1; by
            default all are equal.
        reading: How to read the files; blank lines are kept, since every line gets an answer.
        unknown: The share of lines of the classes that may be called unknown, such as 0.01: a line that is unusual for
            its most probable class is printed as unknown. The models have to be calibrated.
        device: Such as cpu, cuda or mps; auto uses the best available.
        json: Print one JSON object per line, with the probability of every class; the label of an unknown line is null.

    Examples:
        charlm classify runs/english runs/german < lines.txt
        charlm classify en=a.safetensors fr=b.safetensors --text lines.txt

    See Also:
        howto/languages.md
    """

    runs = "classify.classify"

    models: Positional[Several]
    text: Several = ()
    priors: Several = ()
    unknown: Optional[float] = None
    reading: OmitArgPrefixes[ReadingSettings] = READING_LINES
    device: str = "auto"
    json: bool = False


@dataclass(frozen=True, kw_only=True)
class Correct(Command):
    """Correct each line: typing errors, spaces, case, accents.

    Prints the most likely original of each. A character that the model does not know stays as it is. For a model of
    text, a line follows a line break.

    Attributes:
        model: A run folder or a model file.
        texts: Files, folders, patterns in quotes, or URLs; by default standard input.
        channel: What happened to the lines: typing errors, text recognition, or case, accents or spaces that are
            missing or mean nothing.
        error: The probability of an error at a symbol, for keyboard and ocr; by default 0.02.
        beam_width: Number of hypotheses to keep at each symbol; more may find a better one, and take longer.
        reading: How to read the files; blank lines are kept, since every line gets an answer.
        device: Such as cpu, cuda or mps; auto uses the best available.
        json: Print one JSON object per line, with the line and its correction.

    Examples:
        charlm correct runs/mails < typed.txt
        charlm correct runs/mails shouted.txt --channel case

    See Also:
        howto/correct.md
    """

    runs = "correct.correct"

    model: Positional[Path]
    texts: Positional[Several] = ()
    channel: Literal["keyboard", "ocr", "case", "accents", "spaces"] = "keyboard"
    error: Optional[float] = None
    beam_width: int = 32
    reading: OmitArgPrefixes[ReadingSettings] = READING_LINES
    device: str = "auto"
    json: bool = False


restore_docstrings(__name__)
