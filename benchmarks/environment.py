"""The environment that the figures depend on."""

from __future__ import annotations

import datetime
import importlib.metadata

import torch

from charlm.runtime.machine import machine

RIVALS = (
    "tokenizers",
    "nltk",
    "transformers",
    "scikit-learn",
    "pyarrow",
    "kenlm",
    "pandas",
    "pyppmd",
    "brotli",
    "pyctcdecode",
    "lingua-language-detector",
    "langid",
)


def environment() -> dict[str, str]:
    """Returns the date, and what a run depends on, including the widest instruction set that PyTorch uses."""
    date = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    return {"date": date, **machine(torch.device("cpu")), "instructions": torch.backends.cpu.get_cpu_capability()}


def rivals() -> dict[str, str]:
    """Returns the versions of the other libraries that are installed."""
    installed = {distribution.name.lower() for distribution in importlib.metadata.distributions()}
    return {name: importlib.metadata.version(name) for name in RIVALS if name in installed}
