"""The source of the runtime, ``charlm.js``: one file, made of parts that each have one subject."""

from __future__ import annotations

from importlib.resources import files

PARTS = (
    "reading",
    "sha256",
    "vocabulary",
    "distributions",
    "bigram",
    "tree",
    "ngram",
    "matrix",
    "transformer",
    "prior",
    "gpt",
    "classic_gpt",
    "mixture",
    "model",
)
"""The parts after ``about``, in an order in which what one needs at once comes before it."""
HEAD = """
(function (scope) {
"use strict";

"""
FOOT = """
const models = scope.charlm?.models ?? {}; // of other scripts in the same page
scope.charlm = Object.freeze({ load, models, probabilities, random, draw, Error: CharlmError });
if (typeof module === "object" && module !== null && module.exports) module.exports = scope.charlm;
})(globalThis);
"""


def runtime_source() -> str:
    """Returns the text of ``charlm.js``, ASCII only: a script that defines the global ``charlm``.

    Example:
        >>> runtime_source().splitlines()[0]
        '// charlm.js: character-level language models in a browser, a worker or Node, without any other program.'
    """
    return "".join([_part("about"), HEAD, "\n".join(map(_part, PARTS)), FOOT])


def _part(name: str) -> str:
    return (files(__package__) / "runtime" / f"{name}.js").read_text(encoding="ascii")
