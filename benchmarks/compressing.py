"""How small a text becomes, and how fast: a model that learns while it reads beside what people compress with.

Programs that are not installed are left out: zpaq (apt), pyppmd and brotli (pip). Writes ``compression.json``.
"""

from __future__ import annotations

import bz2
import importlib.util
import json
import lzma
import shutil
import subprocess
import time
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from charlm import CharLM, compress, decompress, python_docs
from environment import environment
from page import COMPRESSION, PAGE, page
from scratch import scratch_folder
from texts import tiny_shakespeare

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 3
"""How often each is timed; the quickest counts."""


class Way(NamedTuple):
    """A way to compress, and back."""

    compress: Callable[[bytes], bytes]
    decompress: Callable[[bytes], bytes]


def ways() -> dict[str, Way]:
    """Returns what is installed, by name."""
    found = {
        "`charlm compress`": Way(compress, decompress),
        "xz -9e": Way(lambda it: lzma.compress(it, preset=9 | lzma.PRESET_EXTREME), lzma.decompress),
        "bzip2 -9": Way(bz2.compress, bz2.decompress),
        "gzip -9": Way(lambda it: zlib.compress(it, 9), zlib.decompress),
    }
    if shutil.which("zpaq"):
        found["zpaq -m5"] = Way(_zpaq, _unzpaq)
    if importlib.util.find_spec("pyppmd"):
        found["PPMd, order 8"] = Way(_ppmd, _unppmd)
    if importlib.util.find_spec("brotli"):
        import brotli  # noqa: PLC0415 - not everywhere

        found["brotli -q 11"] = Way(lambda it: brotli.compress(it, quality=11), brotli.decompress)
    return found


def _zpaq(content: bytes) -> bytes:
    folder = scratch_folder()
    (folder / "text").write_bytes(content)
    subprocess.run(["zpaq", "add", "archive.zpaq", "text", "-m5", "-t1"], cwd=folder, check=True, capture_output=True)  # noqa: S607 - found on the path
    return (folder / "archive.zpaq").read_bytes()


def _unzpaq(content: bytes) -> bytes:
    folder = scratch_folder()
    (folder / "archive.zpaq").write_bytes(content)
    subprocess.run(["zpaq", "extract", "archive.zpaq"], cwd=folder, check=True, capture_output=True)  # noqa: S607 - found on the path
    return (folder / "text").read_bytes()


def _ppmd(content: bytes) -> bytes:
    import pyppmd  # noqa: PLC0415 - not everywhere

    encoder = pyppmd.Ppmd7Encoder(8, 1 << 28)
    code: bytes = encoder.encode(content) + encoder.flush()
    return len(content).to_bytes(8, "big") + code


def _unppmd(content: bytes) -> bytes:
    import pyppmd  # noqa: PLC0415 - not everywhere

    length = int.from_bytes(content[:8], "big")
    decoder = pyppmd.Ppmd7Decoder(8, 1 << 28)
    found: bytes = decoder.decode(content[8:], length)
    while len(found) < length:
        found += decoder.decode(b"\0", length - len(found))
    return found


def row(text: str, name: str, way: Way) -> dict[str, Any]:
    """Returns the bits per character of one way, and its speed."""
    content, seconds = text.encode(), [float("inf")] * 2
    for _ in range(ROUNDS):
        started = time.perf_counter()
        compressed = way.compress(content)
        between = time.perf_counter()
        back = way.decompress(compressed)
        seconds = [min(seconds[0], between - started), min(seconds[1], time.perf_counter() - between)]
        if back != content:
            raise RuntimeError(f"{name} does not give back what it was given")
    speeds = [len(content) / 1000 / taken for taken in seconds]
    return {"bits": 8 * len(compressed) / len(text), "compress": speeds[0], "decompress": speeds[1]}


def continued(text: str) -> dict[str, float]:
    """Returns the nats per character of the last tenth after the first nine, by what is carried from them."""
    known, new = text[: len(text) * 9 // 10], text[len(text) * 9 // 10 :]
    lm = CharLM.fit(known)
    reader = CharLM.fit("".join(sorted(set(text))), order=1).adaptive()
    reader.log_probabilities(known)
    return {
        "the counted model alone": -float(lm.log_probabilities(new).mean()),
        "nothing carried over": -float(
            CharLM.fit("".join(sorted(set(text))), order=1).adaptive().log_probabilities(new).mean()
        ),
        "`lm.adaptive()`": -float(lm.adaptive().log_probabilities(new).mean()),
        "the first nine tenths read by the same model": -float(reader.log_probabilities(new).mean()),
    }


def main() -> None:
    """Measures everything, and writes the figures and the page."""
    texts = {
        "Tiny Shakespeare": tiny_shakespeare().read_text(encoding="utf-8"),
        "Python's documentation": python_docs(),
    }
    measured: dict[str, Any] = {"machine": environment(), "texts": {}, "continued": {}}
    for title, text in texts.items():
        measured["texts"][title] = {name: row(text, name, way) for name, way in ways().items()}
        measured["continued"][title] = continued(text)
        print(title, json.dumps(measured["texts"][title], indent=1), json.dumps(measured["continued"][title], indent=1))
    COMPRESSION.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
