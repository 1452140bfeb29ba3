"""A page of a browser in which the runtime runs."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from browser_models import case
from charlm.files.browser.source import runtime_source
from charlm.recipes.browser import browser_model
from page_checks import chromium

HELPERS = """() => {
    window.textOf = (points) => points.map((point) => String.fromCodePoint(point)).join("");
    window.after = (model, points) => model.encode(textOf(points)).reduce((state, id) => state.step(id), model.start());
    window.numbers = (row) => Array.from(row);
    window.messageOf = async (run) => {
        try {
            await run();
            return null;
        } catch (error) {
            return [error instanceof charlm.Error, error.message];
        }
    };
    window.refusalOf = async (data, use) => {
        const model = await charlm.load(data);
        return messageOf(() => use(model));
    };
    window.refusal = (source) => messageOf(() => charlm.load(source));
}"""
"""What the tests of the runtime call."""


@contextmanager
def runtime_page() -> Iterator[Any]:
    """Opens a browser with an empty page in which the runtime and ``HELPERS`` are; skips where there is none."""
    with chromium() as browser:
        page = browser.new_page()
        page.add_script_tag(content=runtime_source())
        page.evaluate(HELPERS)
        yield page


@cache
def packed(name: str) -> str:
    """Returns one of the models of ``browser_models`` for the runtime, in base64."""
    found = case(name)
    return base64.b64encode(browser_model(found.model, found.vocabulary)).decode()


def points(text: str) -> list[int]:
    """Returns the code points of a text, lone surrogates among them, which the way into a browser does not let pass."""
    return [*map(ord, text)]


def probabilities_in(page: Any, name: str, texts: list[str]) -> NDArray[np.float64]:
    """Returns the probabilities of all ids after each text in a browser, ``(N, V)``."""
    found = page.evaluate(
        """async ([data, texts]) => {
            const model = await charlm.load(data);
            return texts.map((text) => numbers(after(model, text).logProbabilities));
        }""",
        [packed(name), [points(text) for text in texts]],
    )
    logarithms: NDArray[np.float64] = np.array(found)
    return np.exp(logarithms)
