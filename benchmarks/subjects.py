"""What ``make bench`` and ``make guard`` compare: a module for each table, by its title."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

import adapting
import arpa
import batching
import classifying
import counting
import files
import generating
import learned_back_off
import memory
import numpy_alone
import playing
import reading
import records
import searching
import starting
import step
import tokenizing
import training
import transformer

if TYPE_CHECKING:
    from types import ModuleType

    from comparison import Comparison

SUBJECTS: dict[str, ModuleType] = {
    "Characters and ids": tokenizing,
    "Reading": reading,
    "Batches": batching,
    "Records": records,
    "Counting and scoring": counting,
    "Learned back-off": learned_back_off,
    "KenLM": arpa,
    "Adaptive coding": adapting,
    "Training": training,
    "Training step": step,
    "Transformer": transformer,
    "Generation": generating,
    "Decoders": searching,
    "Classification": classifying,
    "Count models, on NumPy alone": numpy_alone,
    "Files": files,
    "Page to play with": playing,
    "Start": starting,
    "Memory": memory,
}


def comparisons_of(title: str) -> list[Comparison]:
    """Returns what a table compares; nothing, and prints why, where the alternative is not installed.

    PyTorch has one thread, whichever tables come before: most alternatives have no more.
    """
    torch.set_num_threads(1)
    found: list[Comparison] = SUBJECTS[title].comparisons()
    return found
