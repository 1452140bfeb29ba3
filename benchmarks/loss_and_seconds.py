"""``python benchmarks/loss_and_seconds.py [NAME ...]``: what a text costs after so many seconds, ours and others.

Each contestant learns from the first nine tenths of Tiny Shakespeare, on one thread, and is then charged for the last
tenth. Seconds are processor time from the text to a model that is ready to score, scoring left out. Without names all
are measured; what is not installed is left out: ``pyppmd``, KenLM's module and its ``lmplz``, and nanoGPT, whose
checkout the environment variable ``NANOGPT`` names. The figures go to ``loss_and_seconds.json``, which the docs draw,
and into the page of benchmarks.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import os
import pickle
import resource
import runpy
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import torch

from charlm import CharLM, TextDataset, evaluate, load_classic_gpt
from charlm.files.arpa.words import arpa_word
from charlm.recipes.corpus import Corpus
from charlm.recipes.presets import CONFIGS, Recipe
from charlm.recipes.sources import ROLES_OF_TEXT
from charlm.recipes.train import train
from chartok import Vocabulary, read_text
from environment import environment, same_machine
from page import LOSS_AND_SECONDS, PAGE, page
from scratch import scratch_folder
from texts import tiny_shakespeare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from charlm.recipes.presets import Family

SHORT = 90
"""The steps of the shorter run of ``GPT``."""
NANOGPT_SETTINGS = (
    "config/train_shakespeare_char.py --device=cpu --compile=False --eval_iters=1 --log_interval=100 --block_size=64 "
    "--batch_size=12 --n_layer=4 --n_head=4 --n_embd=128 --max_iters=2000 --lr_decay_iters=2000 --dropout=0.0 "
    "--eval_interval=500 --always_save_checkpoint=True"
)
"""Those of its README for a processor; it saves at each evaluation, and spends little on evaluating."""
ORDER = (
    "bigram, counted",
    "n-gram, Kneser-Ney",
    "n-gram, the default",
    "n-gram, keeps learning",
    "GPT",
    "PPMd",
    "KenLM",
    "nanoGPT",
)
"""How the table lists them."""
Points = list[dict[str, float]]


def processor_seconds() -> float:
    """Returns the processor time of this process and of those that it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def parts(text: str) -> tuple[Corpus, Corpus]:
    """Returns the training and evaluation splits as in ``charlm train``."""
    return Corpus.of_text(text, ROLES_OF_TEXT).split(0.9)


def ours(text: str, recipe: Recipe) -> Points:
    """Returns one point: a model of this library."""
    started = processor_seconds()
    learned, held_out = parts(text)
    model = train(learned, recipe).model
    seconds = processor_seconds() - started
    return [{"seconds": seconds, "loss": evaluate(model, held_out).nats_per_character}]


def transformer(text: str) -> Points:
    """Returns two points: ``GPT`` with its default settings, and in fewer steps."""
    config = CONFIGS["gpt"]
    short = Recipe(family="gpt", size="nano", device="cpu", config=replace(config, max_steps=SHORT))
    return ours(text, short) + ours(text, Recipe(family="gpt", size="nano", device="cpu"))


def adaptive(text: str) -> Points:
    """Returns one point: the n-gram model that keeps learning, as PPMd does."""
    known, new = text[: len(text) * 9 // 10], text[len(text) * 9 // 10 :]
    CharLM.fit("compiles what is compiled at the first use").adaptive().log_probabilities("once")
    started = processor_seconds()
    reader = CharLM.fit(known).adaptive()
    seconds = processor_seconds() - started
    return [{"seconds": seconds, "loss": -float(reader.log_probabilities(new).mean())}]


def ppmd(text: str) -> Points:
    """Returns one point: what the last tenth adds to the size of the compressed text, which PPMd keeps learning."""
    import pyppmd  # noqa: PLC0415 - not everywhere

    def size(part: str) -> int:
        encoder = pyppmd.Ppmd7Encoder(8, 1 << 28)
        return len(encoder.encode(part.encode())) + len(encoder.flush())

    known = text[: len(text) * 9 // 10]
    started = processor_seconds()
    before = size(known)
    seconds = processor_seconds() - started
    bits = 8 * (size(text) - before)
    return [{"seconds": seconds, "loss": bits * math.log(2) / (len(text) - len(known))}]


def kenlm(text: str) -> Points:
    """Returns one point: KenLM of order 6, of characters written as words."""
    import kenlm  # noqa: PLC0415 - not everywhere

    def words(part: str) -> str:
        return " ".join(arpa_word(ord(character)) for character in part)

    known, new = text[: len(text) * 9 // 10], text[len(text) * 9 // 10 :]
    source, arpa = scratch_folder() / "text", scratch_folder() / "arpa"
    source.write_text(words(known) + "\n", "utf-8")
    started = processor_seconds()
    subprocess.run(  # noqa: S603 - KenLM's own
        ["lmplz", "-o", "6", "--discount_fallback", "-S", "1G", "--text", source, "--arpa", arpa],  # noqa: S607 - on the path
        check=True,
        capture_output=True,
    )
    quiet = kenlm.Config()
    quiet.show_progress, quiet.arpa_complain = False, kenlm.ARPALoadComplain.NONE
    model = kenlm.Model(str(arpa), quiet)
    seconds = processor_seconds() - started
    scores = [score for score, *_ in model.full_scores(words(new), bos=False, eos=False)]
    return [{"seconds": seconds, "loss": -float(np.mean(scores)) * math.log(10)}]


@contextlib.contextmanager
def noted_checkpoints(folder: Path) -> Iterator[list[tuple[Path, float]]]:
    """Keeps each checkpoint that is saved under a name of its own, and notes the processor time until then."""
    save, started, saved = torch.save, processor_seconds(), list[tuple[Path, float]]()

    def noted(checkpoint: object, _path: object) -> None:
        seconds = processor_seconds() - started
        path = folder / f"{len(saved)}.pt"
        save(checkpoint, path)
        saved.append((path, seconds))

    with mock.patch.object(torch, "save", noted):
        yield saved


def nanogpt(text: str) -> Points:
    """Returns a point for each checkpoint of nanoGPT's own training program; scored by this library, as our own are."""
    checkout = Path(os.environ["NANOGPT"])
    folder = scratch_folder() / "nanogpt"
    shutil.copytree(checkout, folder)
    data = folder / "data" / "shakespeare_char"
    vocabulary = Vocabulary.from_text(text)
    ids = vocabulary.encode(text).astype(np.uint16)
    ids[: len(text) * 9 // 10].tofile(data / "train.bin")
    ids[len(text) * 9 // 10 :].tofile(data / "val.bin")
    (data / "meta.pkl").write_bytes(pickle.dumps({"vocab_size": vocabulary.size}))
    before = Path.cwd(), sys.argv, sys.path
    os.chdir(folder)
    sys.argv, sys.path = ["train.py", *NANOGPT_SETTINGS.split()], [str(folder), *sys.path]
    try:
        with noted_checkpoints(folder) as saved:
            runpy.run_path("train.py", run_name="__main__")
    finally:
        os.chdir(before[0])
        sys.argv, sys.path = before[1:]
    new = TextDataset(ids, block_size=64).split(0.9)[1]
    models = [(load_classic_gpt(path, vocabulary)[0], seconds) for path, seconds in saved]
    return [{"seconds": seconds, "loss": evaluate(model, new).nats_per_character} for model, seconds in models]


def contestants() -> dict[str, Callable[[str], Points]]:
    """Returns those that are installed, by the name that the plot shows."""

    def counted(family: Family, **settings: Any) -> Callable[[str], Points]:  # noqa: ANN401 - of a recipe
        return partial(ours, recipe=Recipe(family=family, **settings))

    found: dict[str, Callable[[str], Points]] = {
        "bigram, counted": counted("bigram"),
        "n-gram, Kneser-Ney": counted("ngram", order=7, smoothing="kneser-ney"),
        "n-gram, the default": counted("ngram"),
        "GPT": transformer,
    }
    if importlib.util.find_spec("numba"):
        found["n-gram, keeps learning"] = adaptive
    if importlib.util.find_spec("pyppmd"):
        found["PPMd"] = ppmd
    if shutil.which("lmplz") and importlib.util.find_spec("kenlm"):
        found["KenLM"] = kenlm
    if "NANOGPT" in os.environ:
        found["nanoGPT"] = nanogpt
    return found


def main(*names: str) -> None:
    """Measures, and writes the figures beside those that are there.

    Raises:
        SystemExit: One of the names is not that of a contestant which is installed, or the figures that are there come
            from another machine.
    """
    there = contestants()
    if unknown := set(names) - set(there):
        raise SystemExit(f"{'; '.join(sorted(unknown))}: unknown or not installed; choose from: {'; '.join(there)}")
    found = json.loads(LOSS_AND_SECONDS.read_text("utf-8")) if names else {"points": {}}
    found["machine"] = same_machine(found["machine"]) if names else environment()
    torch.set_num_threads(1)
    text = read_text(tiny_shakespeare())
    for name in names or there:
        found["points"][name] = there[name](text)
        print(name, found["points"][name], flush=True)
    found["points"] = {name: found["points"][name] for name in ORDER if name in found["points"]}
    LOSS_AND_SECONDS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
