"""A Transformer as ONNX and in 8 bits: the size of the file, the loss on held-out text, and the speed of single steps.

    charlm train tinyshakespeare.txt --model gpt --out runs/gpt
    python benchmarks/int8.py runs/gpt tinyshakespeare.txt

One thread, whose CPU time counts; the loss is that of the last tenth of the text, in blocks. It takes some minutes.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import torch
from torch import nn

from charlm import MixtureLanguageModel, NGramLanguageModel, load_model, save_model, save_onnx
from charlm.models.transformer import TransformerLanguageModel

if TYPE_CHECKING:
    from chartok import Vocabulary

STEPS = 60
"""How many ids a timed text has; below a block."""
REPEATS = 9
HELD_OUT = 111_540
"""The last tenth of Tiny Shakespeare."""


def session(path: Path) -> Any:  # noqa: ANN401 - it has no types
    """Returns a running graph, in one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def loss(logits: Any, ids: np.ndarray[Any, Any], block_size: int) -> float:  # noqa: ANN401 - a function
    """Returns the mean negative log-probability of the ids after the first of each block, in nats."""
    rows = ids[: len(ids) // block_size * block_size].reshape(-1, block_size)
    losses = [
        nn.functional.cross_entropy(
            torch.from_numpy(logits(some))[:, :-1].flatten(0, 1), torch.from_numpy(some[:, 1:]).flatten()
        )
        for some in np.array_split(rows, len(rows) // 64)
    ]
    return float(torch.stack(losses).mean())


def per_second(step: Any) -> float:  # noqa: ANN401 - a function
    """Returns how many ids go through in a second, one at a time; the best of several tries."""
    best = min(_seconds(step) for _ in range(REPEATS))
    return STEPS / best


def _seconds(step: Any) -> float:  # noqa: ANN401 - a function
    start, state = time.process_time(), None
    for place in range(STEPS):
        state = step(place, state)
    return time.process_time() - start


def stepping(path: Path, ids: np.ndarray[Any, Any]) -> Any:  # noqa: ANN401 - a function
    """Returns a step of a graph with a cache."""
    running = session(path)
    types = {"tensor(int64)": np.int64, "tensor(float)": np.float32}
    sizes = {"batch": 1, "past_length": 0}
    nothing = {
        past.name: np.zeros([sizes.get(size, size) for size in past.shape], types[past.type])
        for past in running.get_inputs()[1:]
    }

    def step(place: int, state: Any) -> Any:  # noqa: ANN401 - what the runtime returns
        past = nothing if state is None else dict(zip(nothing, state[1:], strict=True))
        return running.run(None, {"inputs": ids[None, place : place + 1], **past})

    return step


def of_torch(model: TransformerLanguageModel, ids: np.ndarray[Any, Any]) -> Any:  # noqa: ANN401 - a function
    """Returns a step of a PyTorch model."""
    inputs = torch.from_numpy(ids)

    def step(place: int, state: Any) -> Any:  # noqa: ANN401 - a state
        with torch.inference_mode():
            return model.step(inputs[place : place + 1], state)[1]

    return step


def report(name: str, size: int, nats: float, speed: float) -> None:
    """Prints a row."""
    print(f"| {name} | {size / 1e6:.1f} MB | {nats:.4f} | {speed:,.0f} |", flush=True)


def transformer(
    model: TransformerLanguageModel, vocabulary: Vocabulary, ids: np.ndarray[Any, Any], folder: Path
) -> None:
    """Prints a row for each form of a Transformer."""
    print("| model | file | nats per character | steps per second |\n| --- | --- | --- | --- |")
    block_size = model.config.block_size

    def logits_of(module: Any) -> Any:  # noqa: ANN401 - a module
        def logits(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
            with torch.inference_mode():
                found: np.ndarray[Any, Any] = module.logits(torch.from_numpy(rows)).numpy()
            return found

        return logits

    save_model(folder / "model.safetensors", model, vocabulary)
    size = (folder / "model.safetensors").stat().st_size
    report("PyTorch", size, loss(logits_of(model), ids, block_size), per_second(of_torch(model, ids)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is deprecated
        quantized: Any = torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8)
    held = sum(value.numel() * value.element_size() for value in _tensors(quantized))
    report(
        "PyTorch, quantize_dynamic",
        held,
        loss(logits_of(quantized), ids, block_size),
        per_second(of_torch(quantized, ids)),
    )
    for name, int8 in (("ONNX", False), ("ONNX, int8", True)):
        path, cached = folder / "model.onnx", folder / "cached.onnx"
        save_onnx(path, model, vocabulary, int8=int8)
        save_onnx(cached, model, vocabulary, cache=True, int8=int8)
        running = session(path)
        nats = loss(lambda rows, running=running: running.run(None, {"inputs": rows})[0], ids, block_size)
        report(name, path.stat().st_size, nats, per_second(stepping(cached, ids)))


def _tensors(model: nn.Module) -> list[torch.Tensor]:
    from charlm.files.model_arrays import model_arrays  # noqa: PLC0415 - one use

    return [*model_arrays(model).values()]  # type: ignore[arg-type]


def counted(
    model: TransformerLanguageModel,
    vocabulary: Vocabulary,
    training: np.ndarray[Any, Any],
    ids: np.ndarray[Any, Any],
    folder: Path,
) -> None:
    """Prints a row for each order of an n-gram model, and one for a mixture."""
    print("\n| model | safetensors | ONNX | steps per second | a block, ms |\n| --- | --- | --- | --- | --- |")
    models: list[Any] = [NGramLanguageModel(vocabulary.size, order=order).fit(training) for order in (3, 5, 7)]
    for one in [*models, MixtureLanguageModel([model, models[1]])]:
        path, ours = folder / "model.onnx", folder / "model.safetensors"
        save_onnx(path, one, vocabulary)
        save_model(ours, one, vocabulary)
        running = session(path)
        block, history = ids[None, :64], getattr(one, "order", 64) - 1

        def step(place: int, _state: Any, running: Any = running, history: int = history) -> Any:  # noqa: ANN401
            return running.run(None, {"inputs": ids[None, max(0, place + 1 - history) : place + 1]})

        whole = min(
            _timed(lambda running=running, block=block: running.run(None, {"inputs": block})) for _ in range(REPEATS)
        )
        if isinstance(one, MixtureLanguageModel):
            save_onnx(path, one, vocabulary, cache=True)
        speed = per_second(stepping(path, ids) if isinstance(one, MixtureLanguageModel) else step)
        name = f"order {one.order}" if isinstance(one, NGramLanguageModel) else "mixture of the Transformer and order 5"
        sizes = f"{ours.stat().st_size / 1e6:.1f} MB | {path.stat().st_size / 1e6:.1f} MB"
        print(f"| {name} | {sizes} | {speed:,.0f} | {1000 * whole:.1f} |", flush=True)


def _timed(function: Any) -> float:  # noqa: ANN401 - a function
    start = time.process_time()
    function()
    return time.process_time() - start


def main(run: str, text: str) -> None:
    """Prints both tables."""
    torch.set_num_threads(1)
    model, vocabulary = load_model(run)
    if not isinstance(model, TransformerLanguageModel):
        raise SystemExit(f"{run} is a {model.family} model: give a Transformer")
    ids = vocabulary.encode(Path(text).read_text("utf-8")).astype(np.int64)
    with TemporaryDirectory() as folder:
        transformer(model, vocabulary, ids[-HELD_OUT:], Path(folder))
        counted(model, vocabulary, ids[:-HELD_OUT], ids[-HELD_OUT:], Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
