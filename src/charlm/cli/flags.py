"""The settings of each command, from which tyro makes flags.

tyro checks a plain class and an ``Optional`` by itself; for ``X | None`` and ``tuple[X, ...]`` it imports
typeguard, which takes a third as long as NumPy and which each command would wait for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Optional

from tyro.conf import OmitArgPrefixes, Positional

from charlm.cli.command import READING, READING_LINES, Command, Several
from charlm.cli.docstrings import restore_docstrings
from charlm.cli.file_flags import Compress, Decompress, Export, Import, Prepare
from charlm.cli.scoring_flags import Calibrate, Classify, Correct, Evaluate, Score
from charlm.cli.train_flags import Interpolate, Merge, Train, Update
from charlm.cli.values import Text, Texts
from charlm.generation.settings import SamplingSettings
from chartok.arguments import Errors
from chartok.files.reading import ReadingSettings


@dataclass(frozen=True, kw_only=True)
class Demo(Command):
    """Watch two models learn a text that comes with Python, and write.

    It reads no file, needs no network and writes nothing.

    Examples:
        charlm demo
        charlm demo > demo.txt

    See Also:
        tutorial/index.md
    """

    runs = "demo.demo"


@dataclass(frozen=True, kw_only=True)
class Generate(Command):
    r"""Generate text with a model.

    Attributes:
        model: A run folder or a model file.
        prompt: The text to continue; by default an empty one. Escapes such as \n and \u00e9 are understood here, in
            --allowed and in --stop; a backslash itself is \\.
        prompts: Files of prompts instead, one per line, or - for standard input.
        errors: What to do with an unknown character in a prompt: strict refuses it, replace makes it unk, ignore leaves
            it out.
        n_samples: Number of texts for each prompt, or of distinct whole records; by default one, printed as it is
            written.
        exclude: Files of records not to generate, one per line, such as the training data.
        max_new_tokens: Maximum number of symbols to add.
        sampling: How to sample characters.
        allowed: The characters that may be added, as one argument; by default all symbols.
        stop: Strings before which the text ends.
        seed: Seeds every random draw; None draws a new one and reports it.
        device: Such as cpu, cuda or mps; auto uses the best available.
        json: Print one JSON object per text.
        scores: Also print the natural-log probability of each symbol that was added; needs --json.
        reading: How to read the files of --prompts and --exclude; blank lines are kept.

    Examples:
        charlm generate runs/input-ngram --prompt "ROMEO:"
        charlm generate runs/names -n 10 --exclude names.txt

    See Also:
        generation.md
    """

    runs = "generate.generate"

    model: Positional[Path]
    prompt: Text = None
    prompts: Several = ()
    errors: Errors = "strict"
    n_samples: Optional[int] = None
    exclude: Several = ()
    max_new_tokens: int = 500
    sampling: OmitArgPrefixes[SamplingSettings] = SamplingSettings()
    allowed: Text = None
    stop: Texts = ()
    seed: Optional[int] = 0
    device: str = "auto"
    json: bool = False
    scores: bool = False
    reading: OmitArgPrefixes[ReadingSettings] = READING_LINES


@dataclass(frozen=True, kw_only=True)
class Info(Command):
    """Show what is in a model file.

    Attributes:
        model: A run folder or a model file.
        json: Print one JSON object.

    Examples:
        charlm info runs/input-ngram
        charlm info names.safetensors --json

    See Also:
        models.md
    """

    runs = "info.info"

    model: Positional[Path]
    json: bool = False


@dataclass(frozen=True, kw_only=True)
class Report(Command):
    """Write one HTML page that shows a run, or compares several.

    It has curves, tables, a text colored by surprise, samples, and more.

    Attributes:
        models: A run folder or a model file; or several to compare.
        out: The file to write; by default report.html in the run folder, or beside the model file; for several runs,
            comparison.html beside the first.
        text: Files of text to score and color by surprise, read as records for a model of records; by default part of
            the validation split.
        reading: How to read the text.
        errors: What to do with a character that the model does not know: strict stops, ignore leaves it out; replace,
            the default if the model has unk, counts it as unk.
        stride: How far apart blocks begin when a model with a limited context reads a longer text; by default half a
            block. The block size makes blocks that do not overlap, which takes half the time.
        seed: Seeds the samples; None draws a new one and reports it.
        device: Such as cpu, cuda or mps; auto uses the best available.

    Examples:
        charlm report runs/input-ngram
        charlm report names.safetensors --text names.txt -o names.html

    See Also:
        report.md
    """

    runs = "report.report"

    models: Positional[Several]
    out: Optional[Path] = None
    text: Several = ()
    errors: Optional[Errors] = None
    reading: OmitArgPrefixes[ReadingSettings] = READING
    stride: Optional[int] = None
    seed: Optional[int] = 0
    device: str = "auto"


@dataclass(frozen=True, kw_only=True)
class Play(Command):
    r"""Write one HTML file in which to play with a model, offline.

    Type and see what surprises it, choose what comes next, generate, make up records.

    Attributes:
        model: A run folder or a model file.
        out: The file to write; by default play.html in the run folder, or NAME.play.html beside the model file.
        open: Open it in a browser.
        prompt: The text that the page starts with, in which escapes such as \n are understood; by default it makes one
            up.
        title: The heading of the page; by default the name of the run folder or of the model file.
        max_bytes: Maximum size of the model in the page, such as 2MB; an ngram is pruned until it fits. By default
            20MB, and nothing is pruned.

    Examples:
        charlm play runs/input-ngram --open
        charlm play names.safetensors --title Names --max-bytes 500KB -o names.html

    See Also:
        howto/play.md
    """

    runs = "play.play"

    model: Positional[Path]
    out: Optional[Path] = None
    open: bool = False
    prompt: Text = None
    title: Optional[str] = None
    max_bytes: Optional[str] = None


@dataclass(frozen=True, kw_only=True)
class Prune(Command):
    """Write an n-gram model to a smaller file.

    It leaves out the n-grams that matter least, or stores one byte per probability.

    Attributes:
        model: A run folder or a model file of an ngram.
        out: The model file to write; texts can no longer be added to that model.
        min_count: Leave out n-grams that occurred less often.
        entropy: Leave out each n-gram whose removal raises the loss by no more than this, in nats per symbol, such as
            1e-7.
        max_bytes: Leave out the n-grams that matter least until the file, which is compact, has at most this size, such
            as 500KB.
        compact: Round the probabilities, so that an n-gram takes less than 3 bytes where the alphabet has about a
            hundred symbols, and more where it has thousands or the model is tiny; the loss hardly changes.
        json: Print one JSON object.

    Examples:
        charlm prune runs/input-ngram --max-bytes 500KB --out small.safetensors
        charlm prune runs/input-ngram --compact -o compact.safetensors

    See Also:
        howto/ship-one-file.md
    """

    runs = "prune.prune"

    model: Positional[Path]
    out: Path
    min_count: Optional[int] = None
    entropy: Optional[float] = None
    max_bytes: Optional[str] = None
    compact: bool = False
    json: bool = False


@dataclass(frozen=True, kw_only=True)
class Completion(Command):
    """Print a script that completes commands and flags in a shell.

    Attributes:
        shell: The shell to complete for.

    Examples:
        eval "$(charlm completion bash)"
        charlm completion fish > ~/.config/fish/completions/charlm.fish

    See Also:
        reference/command-line.md
    """

    runs = "completion.completion"

    shell: Positional[Literal["bash", "zsh", "fish"]]


GROUPS: dict[str, dict[str, type[Command]]] = {
    "Make a model": {
        "train": Train,
        "update": Update,
        "merge": Merge,
        "interpolate": Interpolate,
        "import": Import,
        "prepare": Prepare,
    },
    "Use a model": {
        "generate": Generate,
        "score": Score,
        "classify": Classify,
        "correct": Correct,
        "compress": Compress,
        "decompress": Decompress,
    },
    "Inspect a model": {
        "info": Info,
        "evaluate": Evaluate,
        "report": Report,
        "play": Play,
    },
    "Change a model": {
        "calibrate": Calibrate,
        "prune": Prune,
        "export": Export,
    },
    "Other commands": {
        "demo": Demo,
        "completion": Completion,
    },
}
"""The commands by name, under the headings of ``charlm --help``."""
COMMANDS: dict[str, type[Command]] = {name: command for group in GROUPS.values() for name, command in group.items()}

restore_docstrings(__name__, Command.__module__, ReadingSettings.__module__, SamplingSettings.__module__)
