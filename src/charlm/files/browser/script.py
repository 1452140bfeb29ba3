"""A model and the runtime as one script, which a page includes with one line."""

from __future__ import annotations

import base64
import json

from charlm.files.browser.source import runtime_source


def model_script(name: str, data: bytes) -> str:
    """Returns a script that defines the global ``charlm``, with a model in ``charlm.models``; ASCII only.

    Args:
        name: The name of the model there, any text.
        data: What ``browser_bytes`` returned.

    Example:
        >>> model_script("names", b"abc").splitlines()[-1]
        'charlm.models["names"] = "YWJj";'
    """
    key = json.dumps(name).replace("<", r"\u003c")  # where a script is written into a page
    return f'{runtime_source()}charlm.models[{key}] = "{base64.b64encode(data).decode()}";\n'
