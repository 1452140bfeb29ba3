"""Seeds that are given, and those that are drawn where none is."""

import logging
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from charlm import (
    GPT,
    BatchSampler,
    CharLM,
    ClassicGPT,
    ClassicGPTConfig,
    GPTConfig,
    RecordDataset,
    TextDataset,
    TrainerConfig,
    generate,
    stream_ids,
)
from charlm.models.bigram.table import BigramTable
from charlm.runtime.seeds import SEED_BITS, seed_or_new

TEXT = CharLM.fit("to be or not to be that is the question " * 30, order=2)
RECORDS = CharLM.fit([f"{first}{second}" for first in "abcdefgh" for second in "klmnopqr"], order=2)
IDS = BigramTable(vocab_size=50, table=np.zeros((50, 50)))
WINDOWS = TextDataset(list(range(50)) * 400, block_size=8)
LINES = RecordDataset([f"{number}" for number in range(300)])
SMALL: Any = {"vocab_size": 9, "block_size": 4, "n_layers": 1, "n_heads": 1, "width": 8}

SEEDED: dict[str, Callable[[int | None], Any]] = {
    "generate": lambda seed: generate(IDS, [0], max_new_tokens=20, n_samples=2, seed=seed),
    "stream_ids": lambda seed: list(stream_ids(IDS, [0], max_new_tokens=20, seed=seed)),
    "CharLM.generate": lambda seed: TEXT.generate(["a", "t"], max_new_tokens=40, seed=seed),
    "CharLM.stream": lambda seed: "".join(TEXT.stream("a", max_new_tokens=40, seed=seed)),
    "CharLM.sample": lambda seed: RECORDS.sample(9, seed=seed),
    "BatchSampler": lambda seed: next(BatchSampler(WINDOWS, batch_size=16, seed=seed))[0],
    "BatchSampler, shuffled": lambda seed: next(BatchSampler(WINDOWS, batch_size=16, seed=seed, order="shuffled"))[0],
    "BatchSampler.seed": lambda seed: BatchSampler(WINDOWS, batch_size=16, seed=seed).seed,
    "TextDataset.split": lambda seed: WINDOWS.split(0.5, seed=seed, how="random-blocks")[0].fingerprint(),
    "RecordDataset.split": lambda seed: LINES.split(0.5, seed=seed)[0].fingerprint(),
    "GPT": lambda seed: GPT(GPTConfig(**SMALL), seed=seed).embedding.weight,
    "GPT.initialize": lambda seed: GPT(GPTConfig(**SMALL)).initialize(seed).embedding.weight,
    "ClassicGPT": lambda seed: ClassicGPT(ClassicGPTConfig(**SMALL), seed=seed).embedding.weight,
    "TrainerConfig": lambda seed: TrainerConfig(seed=seed).seed,
}
every_function = pytest.mark.parametrize("function", SEEDED.values(), ids=SEEDED)


@every_function
def test_without_a_seed_one_is_drawn_and_told_with_which_the_same_comes_again(
    function: Callable[[int | None], Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="charlm"):
        found = function(None)
    (message,) = caplog.messages
    (seed,) = re.fullmatch(r"seed (\d+) was drawn, since none was given", message).groups()  # type: ignore[union-attr]  # it matches
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="charlm"):
        np.testing.assert_equal(as_arrays(function(int(seed))), as_arrays(found))
        assert not caplog.messages
        function(None)
    assert caplog.messages != [message]


def as_arrays(value: Any) -> Any:
    return value.numpy(force=True) if isinstance(value, torch.Tensor) else value


@every_function
@pytest.mark.parametrize("seed", ["1", 0.5, True])
def test_a_seed_that_is_no_integer_is_refused_everywhere(function: Callable[[Any], Any], seed: Any) -> None:
    with pytest.raises(TypeError, match="seed must be an integer"):
        function(seed)


def test_seeds_that_are_drawn_survive_json_everywhere() -> None:
    drawn = {seed_or_new(None) for _ in range(50)}
    assert len(drawn) == 50
    assert 0 <= min(drawn) <= max(drawn) < 1 << SEED_BITS <= 1 << 53
    assert all(int(float(seed)) == seed for seed in drawn)


@every_function
def test_several_processes_do_not_draw_a_seed_each(
    function: Callable[[int | None], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "a run")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="seed must be a number where several processes run"):
        function(None)
    function(3)


def test_a_sampler_that_is_one_of_several_needs_a_seed() -> None:
    with pytest.raises(ValueError, match="seed must be a number if there are several processes"):
        BatchSampler(WINDOWS, batch_size=4, seed=None, rank=0, world_size=2)


@pytest.mark.parametrize("seed", [2**64, 2**70, -(2**63) - 1])
@pytest.mark.parametrize("name", ["generate", "CharLM.stream", "CharLM.sample"])
def test_a_seed_that_would_be_that_of_another_draw_is_refused(name: str, seed: int) -> None:
    """Generators take 64 bits of it."""
    with pytest.raises(ValueError, match=f"^seed must fit in 64 bits, signed or unsigned, got {seed}$"):
        SEEDED[name](seed)
