"""``make neighbours``: how fast training, scoring and generating are beside other processes that are always busy.

Each program runs twice, with what the command line sets before PyTorch is loaded and with what PyTorch does otherwise.
The machine must have nothing else to do.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from busy import BusyProcesses
from charlm.runtime.threads import WAITING, set_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from charlm import GPT

NEIGHBOURS = (0, 1, 3)
TASKS = {
    "train `nano`, 32 windows of 128": "steps",
    "score with `GPT`": "characters",
    "score with an n-gram model": "characters",
    "generate with `GPT`": "characters",
}
"""What is measured, and in which unit per second."""
ROUNDS = 3
SECONDS = 0.5
"""How long each sample takes at least."""


def measured() -> dict[str, Any]:
    """Returns the speeds of each task, with each setting, by the number of neighbours."""
    samples: dict[str, dict[str, dict[int, list[float]]]] = {
        task: {way: {number: [] for number in NEIGHBOURS} for way in ("set", "unset")} for task in TASKS
    }
    with BusyProcesses(max(NEIGHBOURS)) as neighbours, ExitStack() as stack:
        programs = {way: stack.enter_context(_program(way)) for way in ("set", "unset")}
        for _ in range(ROUNDS):
            for task in TASKS:
                for number in NEIGHBOURS:
                    with neighbours.beside(number):
                        for way, program in programs.items():
                            samples[task][way][number].append(_speed(program, task))
    return {
        task: {
            "unit": TASKS[task],
            **{way: {number: statistics.median(found) for number, found in of.items()} for way, of in ways.items()},
        }
        for task, ways in samples.items()
    }


@contextmanager
def _program(way: str) -> Iterator[subprocess.Popen[str]]:
    """Runs this program one way for the block, without what this process has been told about threads."""
    environment = {name: value for name, value in os.environ.items() if name not in (*WAITING, "OMP_NUM_THREADS")}
    program = subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, __file__, way], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield program
    finally:
        program.kill()
        program.wait()


def _speed(program: subprocess.Popen[str], task: str) -> float:
    assert program.stdin is not None  # noqa: S101 - it is a pipe
    assert program.stdout is not None  # noqa: S101 - likewise
    print(task, file=program.stdin, flush=True)
    return float(program.stdout.readline())


def answer() -> None:
    """Prints the speed at each task that is read from standard input."""
    tasks = _tasks()
    for function, _ in tasks.values():
        function()
    for line in sys.stdin:
        function, amount = tasks[line.rstrip("\n")]
        calls, started = 0, time.perf_counter()
        while time.perf_counter() < started + SECONDS:
            function()
            calls += 1
        print(amount * calls / (time.perf_counter() - started), flush=True)


def _tasks() -> dict[str, tuple[Callable[[], object], int]]:
    """Returns what does each task, and how much of it one call does."""
    import torch  # noqa: PLC0415 - after its threads are set

    from charlm import GPT, CharLM, GPTConfig  # noqa: PLC0415 - likewise
    from chartok import Vocabulary  # noqa: PLC0415 - likewise
    from tokenizing import sample_text  # noqa: PLC0415 - likewise

    torch.manual_seed(0)
    text = sample_text(200_000)
    vocabulary = Vocabulary.from_text(text)
    counted = CharLM.fit(text, order=7)
    lm = CharLM(GPT(GPTConfig.small(vocabulary.size)), vocabulary)
    functions: list[tuple[Callable[[], object], int]] = [
        (_training_step(GPT(GPTConfig.nano(vocabulary.size))), 1),
        (lambda: lm.log_probabilities(text[:500]), 500),
        (lambda: counted.log_probabilities(text[:100_000]), 100_000),
        (lambda: lm.generate(text[:1], max_new_tokens=50), 50),
    ]
    return dict(zip(TASKS, functions, strict=True))


def _training_step(model: GPT) -> Callable[[], object]:
    """Returns forward, backward and update with 32 windows."""
    import torch  # noqa: PLC0415 - after its threads are set

    from charlm.training.muon import Muon  # noqa: PLC0415 - likewise

    hidden = model.parameter_groups().hidden_matrices
    rest = [parameter for name, parameter in model.named_parameters() if name not in hidden]
    optimizers: list[torch.optim.Optimizer | Muon] = [
        torch.optim.AdamW(rest, fused=True),
        Muon([parameter for name, parameter in model.named_parameters() if name in hidden], lr=1e-3),
    ]
    windows = torch.randint(model.vocab_size, (32, model.config.block_size + 1))

    def step() -> None:
        _, loss = model(windows[:, :-1], windows[:, 1:])
        assert loss is not None  # noqa: S101 - there are targets
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()

    return step


def main() -> None:
    """Measures, prints the results, and writes them to the documentation."""
    from environment import environment  # noqa: PLC0415 - not in the programs that are measured
    from page import BUSY as FIGURES  # noqa: PLC0415 - likewise
    from page import PAGE, page  # noqa: PLC0415 - likewise

    results = {"machine": environment(), "tasks": measured()}
    print(json.dumps(results["tasks"], indent=1))
    FIGURES.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["set"]:
        set_threads()
    if sys.argv[1:]:
        answer()
    else:
        main()
