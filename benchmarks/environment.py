"""The environment that the figures depend on."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import importlib.util
import shutil

import torch

from charlm.runtime.machine import machine

RIVALS = {
    "tokenizers": "tokenizers",
    "nltk": "nltk",
    "transformers": "transformers",
    "sklearn": "scikit-learn",
    "pyarrow": "pyarrow",
    "pandas": "pandas",
    "kenlm": "kenlm",
    "lmplz": "lmplz",
    "pyppmd": "pyppmd",
    "pyctcdecode": "pyctcdecode",
    "lingua": "lingua-language-detector",
    "langid": "langid",
}
"""The packages that the others come in, by the name of their module, or of a program."""


def is_installed(name: str) -> bool:
    """Tells whether a module or a program of one of the others is there."""
    return importlib.util.find_spec(name) is not None or shutil.which(name) is not None


def environment() -> dict[str, str]:
    """Returns the date, and what a run depends on, including the widest instruction set that PyTorch uses."""
    date = dt.datetime.now(tz=dt.UTC).date().isoformat()
    return {"date": date, **machine(torch.device("cpu")), "instructions": torch.backends.cpu.get_cpu_capability()}


def same_machine(earlier: dict[str, str]) -> dict[str, str]:
    """Returns the environment, with the dates of both, if earlier figures come from the same machine and versions.

    Raises:
        SystemExit: They do not.
    """
    here = environment()
    others = [name for name in here if name != "date" and here[name] != earlier.get(name)]
    if others:
        raise SystemExit(f"{', '.join(others)} differ from those of the earlier figures: measure all of them again")
    first = earlier["date"].split(" to ")[0]
    return here | {"date": here["date"] if first == here["date"] else f"{first} to {here['date']}"}


def rivals() -> dict[str, str]:
    """Returns the versions of the other libraries that are installed."""
    there = {distribution.metadata["Name"] for distribution in importlib.metadata.distributions()}
    return {package: importlib.metadata.version(package) for package in RIVALS.values() if package in there}
