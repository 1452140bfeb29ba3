"""The settings of the commands that turn one file into another: ``prepare`` to ``decompress``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Optional, TypeAlias

from tyro.conf import OmitArgPrefixes, Positional

from charlm.cli.command import READING, Command, Several
from charlm.cli.docstrings import restore_docstrings
from charlm.cli.values import Texts
from chartok.arguments import Errors, Unit
from chartok.files.reading import ReadingSettings

ExportFormat: TypeAlias = Literal["onnx", "js", "arpa", "nanogpt", "mingpt", "gpt2", "tokenizer-json", "vocabulary"]


@dataclass(frozen=True, kw_only=True)
class Prepare(Command):
    """Write texts of any size to a token file that train takes.

    Memory use stays the same however long they are.

    Attributes:
        sources: Files, folders, patterns in quotes, URLs, or - for standard input; read one after the other.
        out: The token file to write.
        records: Each line is a record of its own, with a start and an end; lines end in LF or CR LF.
        errors: What to do with a character that is not in the vocabulary; by default replace, if it has unk.
        vocabulary: Where to take the vocabulary from: a run folder, a model file, a token file, a tokenizer.json, or a
            vocabulary in JSON; by default the text.
        special_tokens: Special tokens to add to the vocabulary, such as unk, bos and pad; eos is for records.
        min_count: Characters that occur less often are unknown.
        max_size: Maximum number of ids in the vocabulary, special tokens included; the rarest characters are unknown.
        symbols: Symbols of several characters that get an id each, such as Cl Br.
        unit: What gets an id: each character of the text, or each grapheme, such as a letter with its accents.
        reading: How to read the sources.
        json: Print one JSON object.

    Examples:
        charlm prepare corpus/ --out corpus.tokens
        charlm prepare names.txt --records --out names.tokens

    See Also:
        howto/large-corpus.md
    """

    runs = "prepare.prepare"

    sources: Positional[Several]
    out: Path
    records: bool = False
    errors: Optional[Errors] = None
    vocabulary: Optional[Path] = None
    symbols: Texts = ()
    unit: Unit = "character"
    special_tokens: Several = ()
    min_count: int = 1
    max_size: Optional[int] = None
    reading: OmitArgPrefixes[ReadingSettings] = READING
    json: bool = False


@dataclass(frozen=True, kw_only=True)
class Import(Command):
    """Read a model of nanoGPT, minGPT, GPT-2, or an ARPA file.

    The result is a model file that the other commands take. No code is run: a checkpoint that holds more than tensors
    and plain values is refused.

    Attributes:
        checkpoint: The ckpt.pt, the model.pt, the folder of a GPT-2, or the ARPA file.
        out: The model file to write, which the other commands take.
        vocabulary: Where to take its characters from, in the order of their ids: nanoGPT's meta.pkl, a tokenizer.json,
            a vocabulary in JSON, a model or a token file; by default the tokenizer.json in the folder of a GPT-2.
        text: The text that it was trained on, whose characters nanoGPT and minGPT number in the order of their code
            points: files, folders, patterns in quotes, or URLs.
        n_heads: The number of attention heads of a minGPT checkpoint, which does not record it.

    Examples:
        charlm import ckpt.pt --vocabulary meta.pkl --out model.safetensors
        charlm import kenlm.arpa -o model.safetensors

    See Also:
        interchange.md
    """

    runs = "interchange.import_"

    checkpoint: Positional[Path]
    out: Path
    vocabulary: Optional[Path] = None
    text: Several = ()
    n_heads: Optional[int] = None


@dataclass(frozen=True, kw_only=True)
class Export(Command):
    """Write a model in a form that other programs read.

    Attributes:
        model: A run folder or a model file; for a vocabulary, also a token file or the JSON of another one.
        format: onnx and js, a script that runs in a page, for any family; arpa for an ngram; nanogpt, mingpt and gpt2
            for a classic-gpt; tokenizer-json and vocabulary (JSON) for any vocabulary.
        out: The file to write; for gpt2 a new folder.
        cache: For the onnx of a model with a Transformer: past keys and values are inputs and outputs, so that each
            further character takes one step.
        int8: For the onnx of a model with a Transformer: store and compute with 8-bit weights.
        max_bytes: For js: maximum size of the model in the script, such as 2MB; an ngram is pruned until it fits. By
            default 20MB, and nothing is pruned.

    Examples:
        charlm export runs/gpt --format onnx --out model.onnx
        charlm export runs/names --format js -o names.js

    See Also:
        interchange.md
    """

    runs = "interchange.export"

    model: Positional[Path]
    format: ExportFormat
    out: Path
    cache: bool = False
    int8: bool = False
    max_bytes: Optional[str] = None


@dataclass(frozen=True, kw_only=True)
class Compress(Command):
    """Compress a file with a model that learns while it reads.

    It takes text in any alphabet, and any other bytes. Needs numba: pip install 'chartok[fast]'.

    Attributes:
        file: The file to compress, or - for standard input.
        model: A counted model of text to start from, in a run folder or a model file, which decompress needs too; by
            default the model starts from nothing.
        out: The file to write, or - for standard output; by default the name with .ctk added, if no such file exists
            yet.
        json: Print one JSON object.

    Examples:
        charlm compress book.txt
        charlm compress book.txt --model english.safetensors --out book.ctk

    See Also:
        howto/compress.md
    """

    runs = "compression.compress"

    file: Positional[str]
    model: Optional[Path] = None
    out: Optional[Path] = None
    json: bool = False


@dataclass(frozen=True, kw_only=True)
class Decompress(Command):
    """Write the file that was compressed.

    It is checked against its SHA-256.

    Attributes:
        file: A file that compress wrote, or - for standard input.
        model: The model that compress was given, if it was.
        out: The file to write, or - for standard output; by default the name without its .ctk, if no such file exists
            yet.
        json: Print one JSON object.

    Examples:
        charlm decompress book.txt.ctk
        charlm decompress book.ctk --model english.safetensors --out book.txt

    See Also:
        howto/compress.md
    """

    runs = "compression.decompress"

    file: Positional[str]
    model: Optional[Path] = None
    out: Optional[Path] = None
    json: bool = False


restore_docstrings(__name__)
