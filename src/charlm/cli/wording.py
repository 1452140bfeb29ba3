"""What Python says in the terms of the command line: ``--top-k`` for ``top_k``, ``--records`` for ``records=True``.

Error messages of the library name arguments of Python; this is the one place where they become flags. Text in quotes is
the user's and stays as it is.
"""

from __future__ import annotations

import contextlib
import re
from contextvars import ContextVar
from typing import TYPE_CHECKING

from charlm.cli.arguments import Argument, arguments_of
from charlm.cli.flags import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND: ContextVar[str | None] = ContextVar("COMMAND", default=None)
"""The name of the command that runs."""
QUOTED = re.compile(r"""((?<![\w=])'(?:[^'\\]|\\.)*'(?!\w)|(?<![\w=])"(?:[^"\\]|\\.)*"(?!\w))""")
PHRASES = {
    "call calibrate(held_out_texts) with texts that it was not fitted to (charlm calibrate MODEL FILE, or charlm train "
    "--calibrate)": "charlm calibrate MODEL FILE shows it some, and so does charlm train --calibrate",
    "call TextClassifier.calibrate with at least": "it takes at least",
    " (charlm calibrate MODEL FILE, for a model in a file of its own)": ": charlm calibrate MODEL FILE",
    "add texts to it with CharLM.update, or charlm update": "charlm update adds texts to it",
    ": use save_model or save_onnx": ": charlm export writes it in other forms, such as --format onnx",
    ": use save_arpa": ": --format arpa has no such limit",
    ": use save_model": ": its own file has no such limit",
    ": build the model and fill it with safetensors.torch.load_model": "",
    "(as a list, with records=True, --records)": "(--records)",
    "with records=True or --records": "with --records",
    "give records, one text each (--records)": "give --records",
    "TensorBoardLog needs TensorBoard": "--tensorboard needs TensorBoard",
    "make the vocabulary with special_tokens=": "give charlm prepare special_tokens=",
    "export it without a cache": "leave --cache out",
    "(encoding and decode_errors, --encoding and --decode-errors)": "(--encoding, --decode-errors)",
    "and this reads a text: ask for records": "and this reads a text: give --records",
    "unknown_below ": "--unknown ",
    "held_out_texts ": "the lines ",
    ": give validation=": ": leave out less of the text, or give --validation",
}
"""What reads differently on a command line, and how."""
REMEDY = "remove it, pass errors='ignore' where that is accepted, or use a vocabulary that has it"
"""What the library advises about an unknown character."""
WORDS = {"block_size": "block size", "context_only": "ids that only stand before others", "vocab_size": "number of ids"}
"""Names in Python that are not flags of every command."""
NOUNS = ("model", "text", "vocabulary")
"""Names of flags that are also just words."""
SAYS = (
    r"(?=:? (?:must|cannot|is|are|says|say|and|does|applies|has|needs|contains|\S+ (?:must|is|has|needs)) "
    r"|: [^;]* -> )"
)
"""What comes after a name at the beginning of a sentence that is one of a setting."""
VALUE = r"'[^']*'(?:(?:,| or) '[^']*')*|True|False|None|[\d.]*\d|\[[^]]*\]"


@contextlib.contextmanager
def of_command(name: str | None) -> Iterator[None]:
    """Lets messages name the flags of a command."""
    token = COMMAND.set(name if name in COMMANDS else None)
    try:
        yield
    finally:
        COMMAND.reset(token)


def as_typed(message: str) -> str:
    r"""Returns a message in which arguments of Python are the flags of the command that runs.

    Example:
        >>> with of_command("generate"):
        ...     as_typed("top_k must be at least 1, got 0")
        ...     as_typed("'top_k' is unknown: give errors='ignore', or records=True")
        '--top-k must be at least 1, got 0'
        "'top_k' is unknown: give --errors ignore, or --records"
    """
    takes_errors = "--errors" in _flags_of(COMMAND.get())
    message = re.sub(r"(?<=, which is not in this vocabulary) of \d+ ids(?=: )", "", message)
    message = message.replace(REMEDY, f"leave it out{', or give --errors ignore' if takes_errors else ''}")
    message = re.sub(r": Expected one of cpu, .*", ": give cpu, cuda, mps or auto", message)
    message = re.sub(r"\bbatches\.(?=[a-z_]+: .* -> )", "", message)  # whose settings are flags like those of the run
    message = re.sub(r"(\bseed: \S+ -> [^;]+); (?=(?:.*; )?\1)", "", message)  # that of the batches is the same
    message = re.sub(r"^(text|prompt)\[(\d+)\] is", _of_one_text, message)
    message = re.sub(r"^(text|prompt)s\[(\d+)\]\[(\d+)\] is", _of_one_of_several, message)
    for phrase, instead in PHRASES.items():
        message = message.replace(phrase, instead)
    message = re.sub(r"\b([a-z_]+)(?:=\S+)? \((--[^)]+)\)", _named_twice, message)
    message = re.sub(r"(?<=\()([a-z_]+), (--[a-z-]+)(?=\))", _named_twice, message)
    message = re.sub(rf"\b([a-z_]+)=({VALUE})", _with_value, message)
    parts = QUOTED.split(message)
    parts[::2] = [_with_flags(part, is_first=not place) for place, part in enumerate(parts[::2])]
    return "".join(parts)


def _of_one_text(found: re.Match[str]) -> str:
    return f"character {int(found[2]) + 1} of the {found[1]} is"


def _of_one_of_several(found: re.Match[str]) -> str:
    return f"character {int(found[3]) + 1} of {found[1]} {int(found[2]) + 1} is"


def _flags_of(name: str | None) -> set[str]:
    """Returns the flags of a command, or of all."""
    return {argument.flag for argument in _arguments_of(name)}


def _arguments_of(name: str | None) -> list[Argument]:
    """Returns the arguments with a flag of a command, or of all."""
    commands = COMMANDS.values() if name is None else [COMMANDS[name]]
    return [argument for command in commands for argument in arguments_of(command) if not argument.is_positional]


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _named_twice(found: re.Match[str]) -> str:
    """Returns a flag alone where the argument of Python stands before it."""
    return found[2] if _flag(found[1]) == found[2].split()[0] else found[0]


def _with_value(found: re.Match[str]) -> str:
    """Returns an argument with its value as it is typed, if some command has such a flag."""
    flag = _flag(found[1])
    if flag not in _flags_of(None):
        return found[0]
    if found[2] in ("True", "False"):
        return flag if found[2] == "True" else flag.replace("--", "--no-", 1)
    value = "none" if found[2] == "None" else re.sub("[][']", "", found[2])
    return f"{flag} {value}"


def _with_flags(part: str, *, is_first: bool) -> str:
    """Returns a part of a message that is not in quotes, in which the names of settings are flags."""
    arguments = {argument.name: argument for argument in _arguments_of(COMMAND.get())}

    def named(found: re.Match[str]) -> str:
        name = found[0]
        if name not in arguments:
            return WORDS.get(name, name)
        is_one = arguments[name].takes_value or found.string.startswith(" is for ", found.end())  # not "counts are"
        return arguments[name].flag if "_" in name or (is_one and name not in NOUNS) else name

    part = re.sub(r"(?<![\w./-])[a-z]+(?:_[a-z\d]+)+(?![\w/(]|\.\w)", named, part)
    beginning = "(?:^|(?<=: )|(?<=; ))" if is_first else "(?:(?<=: )|(?<=; ))"
    return re.sub(f"{beginning}[a-z][a-z\\d]*{SAYS}", named, part)
