"""A program that uses a model and makes processes that use it too, and prints in JSON what each found.

Arguments: the family of the model, a folder for its file, and the ways to make processes.
"""

import json
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from charlm import CharLM, TrainerConfig

FOX = "the quick brown fox jumps over the lazy dog. "
WORKERS = 2

lm: CharLM


def fitted(family: str) -> CharLM:
    if family != "gpt":
        return CharLM.fit(FOX * 20, family)  # type: ignore[arg-type]  # typed by a caller
    shape = {"n_layers": 1, "n_heads": 4, "width": 128, "block_size": 16}  # wide enough for several threads
    return CharLM.fit(FOX * 20, family, **shape, config=TrainerConfig(max_steps=1), device="cpu")  # type: ignore[arg-type]  # likewise


def load(path: Path) -> None:
    global lm  # noqa: PLW0603 - as in the workers of a service
    lm = CharLM.load(path)


def use(_: int = 0) -> Any:
    """Scores, generates and trains: enough of each for PyTorch to divide it among its threads."""
    scored = lm.bits_per_character(FOX * 20)
    made_up = lm.generate("the ", max_new_tokens=10, seed=1)
    return scored, made_up, fitted(lm.family).bits_per_character(FOX)


def by_pool(method: str, path: Path) -> list[Any]:
    with multiprocessing.get_context(method).Pool(WORKERS, start, [method, path]) as pool:
        return pool.map(use, range(WORKERS))


def by_executor(method: str, path: Path) -> list[Any]:
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(WORKERS, context, initializer=start, initargs=(method, path)) as executor:
        return list(executor.map(use, range(WORKERS)))


def start(method: str, path: Path) -> None:
    """Loads the model in a process that does not have it already."""
    if method != "fork":
        load(path)


def by_fork() -> list[Any]:
    """As a server does that loads its application first."""
    found = []
    for _ in range(WORKERS):
        read_end, write_end = os.pipe()
        if not os.fork():
            os.write(write_end, json.dumps(use()).encode())
            os._exit(0)
        os.close(write_end)
        with os.fdopen(read_end, "rb") as file:
            found.append(json.loads(file.read()))
    return found


def while_others_use_it(fork: Callable[[], list[Any]]) -> list[Any]:
    """Forks while a thread scores and generates."""
    is_over = threading.Event()

    def work() -> None:
        while not is_over.is_set():
            use()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        return [result for _ in range(3) for result in fork()]
    finally:
        is_over.set()
        thread.join()


def by(way: str, path: Path) -> list[Any]:
    match way.split():
        case ["pool", method]:
            return by_pool(method, path)
        case ["executor", method]:
            return by_executor(method, path)
        case ["busy", "preload"]:
            return while_others_use_it(by_fork)
    return by_fork()


def main(family: str, folder: Path, ways: list[str]) -> None:
    if family == "gpt":
        import torch  # noqa: PLC0415 - models that count do without

        torch.set_num_threads(2)
    path = folder / "model.safetensors"
    fitted(family).save(path)
    load(path)
    found: dict[str, Any] = {"itself": [use()]}
    for way in ways:
        sys.stderr.write(f"{way}\n")
        found[way] = by(way, path)
    sys.stdout.write(json.dumps(found | {"torch": "torch" in sys.modules}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
