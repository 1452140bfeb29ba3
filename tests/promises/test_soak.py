"""A program that runs for long: memory does not grow while models generate, score, are saved and loaded."""

import gc
import os
import time
from pathlib import Path

import pytest

from charlm import CharLM, TrainerConfig

SECONDS = float(os.environ.get("CHARTOK_SOAK_SECONDS", "2"))
"""``make soak`` sets half an hour."""
MOST_GROWTH = 8 << 20
"""Bytes: what an allocator keeps for itself, far below what a leak of one object a round comes to in half an hour."""
FEWEST_ROUNDS = 30
"""In each half, however slow the machine: what is made once is made in the first."""

TEXT = "the quick brown fox jumps over the lazy dog. " * 40


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not tell what a process holds now")
def test_memory_stays_flat(tmp_path: Path) -> None:
    fast = TrainerConfig(max_steps=2)
    models = [
        CharLM.fit(TEXT, order=4),
        CharLM.fit(TEXT, "bigram"),
        CharLM.fit(TEXT, "mixture", config=fast, order=3, block_size=64, n_layers=1, n_heads=1, width=16, device="cpu"),
    ]
    path = tmp_path / "model.safetensors"
    rounds = 0

    def go_on_for(seconds: float) -> None:
        nonlocal rounds
        end, enough = time.monotonic() + seconds, rounds + FEWEST_ROUNDS
        while time.monotonic() < end or rounds < enough:
            lm = models[rounds % len(models)]
            text = lm.generate("the ", max_new_tokens=30, seed=rounds)
            lm.score_samples([text, TEXT[: rounds % 200], "\u4e00"])
            lm.save(path)
            assert CharLM.load(path).generate("the ", max_new_tokens=30, seed=rounds) == text
            rounds += 1

    go_on_for(SECONDS / 2)
    before = held()
    go_on_for(SECONDS / 2)
    assert held() - before < MOST_GROWTH
    print(f"{rounds} rounds in {SECONDS:.0f} s, {held() - before:,} bytes more than half-way")  # noqa: T201 - for make soak


def held() -> int:
    """Returns how many bytes of memory this process holds."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
