"""The playground: one HTML page with a model that runs in it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from charlm.files.browser.source import runtime_source
from charlm.files.run_folder import RunFolder
from charlm.lm import CharLM
from charlm.recipes.browser import browser_model
from charlm.report.reported_run import validation_loss
from charlm.report.shortest import shortest_record
from charlm.training.log import read_log
from chartok import __version__
from chartok.arguments import expected_text, file_path
from chartok.files.atomic import replace_file
from chartok.files.reading import say_nothing
from chartok.markup import escaped, shown_name

if TYPE_CHECKING:
    from pathlib import Path

    from charlm.files.run_description import RunDescription
    from chartok.files.reading import Note

MOST_LENGTH = 200
"""How long records may be, as ``records.js`` has it."""
USUAL_LENGTH = 20
"""How long they may be at the start, unless those of the list are longer."""
MOST_CHARACTERS = 5000
"""How long the text in a page may be, as ``transcript.js`` has it."""
_PARTS = (
    "elements",
    "symbols",
    "words",
    "transcript",
    "sampling",
    "editor",
    "bars",
    "sight",
    "records",
    "page",
)
"""The scripts of the page, in an order in which each uses those before it."""


def write_play(
    source: str | os.PathLike[str] | CharLM,
    path: str | os.PathLike[str] | None = None,
    *,
    text: str | None = None,
    title: str | None = None,
    max_bytes: int | str | None = None,
    note: Note = say_nothing,
) -> Path:
    """Writes one HTML file in which to play with a model, and returns its path; an existing file is replaced.

    The model runs in the page, which loads nothing and sends nothing anywhere: it works offline and can be mailed. It
    colors what is typed by surprise, shows what may come next as choices, and makes up new records if the model is one
    of records. The page holds the model, but neither the text nor the list of records that it was fitted to. The file
    is written atomically.

    Args:
        source: A run folder, a model file, or a model.
        path: The file to write; by default ``play.html`` in the run folder, or ``NAME.play.html`` beside the model.
        text: The text that the page begins with, of which it takes 5,000 characters; by default the page makes one up.
        title: The heading of the page; by default the name of the run folder or of the file.
        max_bytes: The most that the model may take in the page, in bytes or such as ``"2MB"``: an n-gram model is
            pruned until it fits, and any other refused. By default 20 MB, and none is pruned.
        note: Called with a line that says what was left out.

    Raises:
        OSError: The model cannot be read, or the page cannot be written.
        CheckpointCorruptError: The model file is damaged.
        CheckpointVersionError: It was written by a newer version.
        CheckpointMismatchError: The family of the model is not one of charlm's.
        ValueError: The model is too large, and the message says how large; ``path`` is a file of the run, or is missing
            for a model that is not in a file; or the log of the run is invalid.
        TypeError: An argument has the wrong type.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> folder = Path(tempfile.mkdtemp())
        >>> lm = CharLM.fit(["anna", "hanna", "joanna"] * 9)
        >>> write_play(lm, folder / "names.html", title="Names").stat().st_size < 200_000
        True
    """
    for name, value in (("text", text), ("title", title)):
        if not isinstance(value, str | None):
            raise TypeError(expected_text(name, value))
    if not isinstance(source, CharLM | str | os.PathLike):
        raise TypeError(f"source must be a run folder, a model file or a CharLM, got {type(source).__name__}")
    if isinstance(source, CharLM):
        if path is None:
            raise ValueError("path must be given for a model that is not in a file, got None")
        out = file_path("path", path)
        lm, name, loss = source, out.stem, source.validation_nats
        description = None
    else:
        folder = RunFolder(source)
        default = folder.play_path if folder.path.is_dir() else folder.path.with_suffix(".play.html")
        out = default if path is None else file_path("path", path)
        folder.refuse_to_replace(out)
        lm, name, description = CharLM.load(source), _name(folder), folder.read_description()
        loss = _loss(folder, description)
    title = name if title is None else title
    model = browser_model(lm.stored, lm.vocabulary, name=title, validation_nats=loss, max_bytes=max_bytes, note=note)
    settings: dict[str, str | int] = {"text": _beginning(text or "", note), **_lengths(lm, description)}
    with replace_file(out, follow_links=path is not None) as file:
        file.write(_page(model, title, settings).encode("utf-8"))
    return out


def _beginning(text: str, note: Note) -> str:
    if len(text) > MOST_CHARACTERS:
        note(f"the page begins with {MOST_CHARACTERS:,} of the {len(text):,} characters of the text: it takes no more")
    return text[:MOST_CHARACTERS]


def _name(folder: RunFolder) -> str:
    path = folder.path.resolve()
    return path.name if path.is_dir() else path.stem


def _loss(folder: RunFolder, description: RunDescription | None) -> float | None:
    """Returns the validation loss of a run, in nats per character."""
    entries = read_log(folder.log_path) if folder.log_path.is_file() else []
    return validation_loss(entries, description)


def _lengths(lm: CharLM, description: RunDescription | None) -> dict[str, int]:
    """Returns the least and the most characters of the records that a page makes up at the start."""
    if not lm.is_of_records:
        return {}
    excerpt = None if description is None else description.excerpt
    least = min(shortest_record(lm, excerpt if isinstance(excerpt, list) else ()), MOST_LENGTH)
    return {"least": least, "most": min(max(USUAL_LENGTH, 3 * least), MOST_LENGTH)}


def _page(model: bytes, title: str, settings: dict[str, str | int]) -> str:
    assets = files("charlm.report") / "playground"
    template, style, watch, *parts = (
        (assets / name).read_text("utf-8")
        for name in ("page.html", "page.css", "watch.js", *(f"{part}.js" for part in _PARTS))
    )
    runtime, page = runtime_source(), '"use strict";\n{{\n{}}}\n'.format("\n".join(parts))
    # "<" would end the element that holds the text, as would "</script>" in it.
    as_json = json.dumps(settings).replace("<", "\\u003c")
    return Template(template).substitute(
        policy=_policy([watch, runtime, page], style),
        title=escaped(shown_name(title)),
        style=style,
        settings=as_json,
        model=base64.b64encode(model).decode("ascii"),
        watch=watch,
        runtime=runtime,
        page=page,
        version=__version__,
    )


def _policy(scripts: list[str], style: str) -> str:
    """Returns a Content-Security-Policy by which nothing runs but the scripts of the page, and nothing is loaded."""
    return (
        f"default-src 'none'; script-src {' '.join(map(_source, scripts))}; style-src {_source(style)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _source(content: str) -> str:
    """Returns the hash by which a policy allows an element with this content."""
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
