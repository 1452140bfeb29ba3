"""Data and devices that tests ask for by name, the hypothesis profiles, and what is counted over all tests."""

from __future__ import annotations

import importlib.util
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings

from chartok import read_text
from torture import TORTURE

if TYPE_CHECKING:
    from collections.abc import Generator

Report = TypeVar("Report", pytest.CollectReport, pytest.TestReport)
HAS_TORCH = importlib.util.find_spec("torch") is not None

if HAS_TORCH:
    import torch

    torch.set_num_threads(1)  # the models in tests are tiny, and threads on shared cores wait for each other

settings.register_profile("quick", max_examples=25, deadline=None, derandomize=True)
settings.register_profile(
    "brief",  # whether a test fails, and not on what
    parent=settings.get_profile("quick"),
    max_examples=15,
    phases=[Phase.explicit, Phase.generate],
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", max_examples=10_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

DATA = Path(os.environ.get("CHARTOK_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(autouse=True)
def same_random_numbers() -> None:
    """Makes what a test draws from PyTorch's global generator the same whichever tests have run before it."""
    if HAS_TORCH:
        torch.manual_seed(0)


def _data_file(name: str) -> Path:
    if not (DATA / name).exists():
        pytest.skip(f"{name} is not in {DATA}; CHARTOK_TEST_DATA names the folder that holds it")
    return DATA / name


@pytest.fixture(scope="session")
def shakespeare_path() -> Path:
    return _data_file("tinyshakespeare.txt")


@pytest.fixture(scope="session")
def shakespeare(shakespeare_path: Path) -> str:
    return read_text(shakespeare_path)


@pytest.fixture(scope="session")
def names() -> list[str]:
    return read_text(_data_file("names.txt")).splitlines()


def _devices() -> list[str]:
    if not HAS_TORCH:
        return []
    found = torch.accelerator.current_accelerator(check_available=True)
    return ["cpu"] if found is None else ["cpu", str(found)]


@pytest.fixture(params=_devices())
def device(request: pytest.FixtureRequest) -> torch.device:
    return torch.empty(0, device=request.param).device


class SkippedWithoutTorch:
    """Skips what imports PyTorch where there is none, in the tests, the docstrings and the pages alike."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._reasons = ["No module named 'torch'", "PyTorch is missing"]

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = self._skipped((yield))
        if report.skipped:  # pytest leaves half of the module behind, from which others then import in vain
            self._reasons.append(f"({self._root / report.nodeid})")
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        return self._skipped((yield))

    def _skipped(self, report: Report) -> Report:
        said = report.longreprtext + report.capstderr
        if report.failed and any(reason in said for reason in self._reasons):
            report.outcome, report.longrepr = "skipped", (__file__, 0, "Skipped: needs PyTorch")
        return report


def pytest_configure(config: pytest.Config) -> None:
    if not HAS_TORCH:
        config.pluginmanager.register(SkippedWithoutTorch(config.rootpath))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints how often what was done, of all tests that record it: the figures in ``docs/reliability.md``."""
    done = Counter[str]()
    for report in terminalreporter.getreports("passed"):
        done.update(dict(report.user_properties))
    if TORTURE:
        terminalreporter.write_line("".join(f"\n{what}: {times:,}" for what, times in done.items()))
