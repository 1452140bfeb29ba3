"""Help is made from docstrings, and is the same without them."""

import subprocess
import sys
from pathlib import Path

SHOWN = """
from charlm.cli.app import main
from charlm.cli.flags import COMMANDS
from charlm.recipes.presets import TAKES

for arguments in [[], *([name] for name in COMMANDS), *(["train", "--model", family] for family in TAKES)]:
    print(main([*arguments, "--help"]))
"""
USED = """
from charlm.cli.app import main

for command in ("train input.txt --out run", "evaluate run input.txt", "generate run", "report run"):
    print(command, main(command.split()))
"""


def shown(code: str, *flags: str, folder: Path) -> str:
    return subprocess.run(
        [sys.executable, *flags, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


def test_help_is_the_same_where_python_leaves_docstrings_out(tmp_path: Path) -> None:
    whole = shown(SHOWN, folder=tmp_path)
    assert "A run folder or a model file." in whole
    assert shown(SHOWN, "-OO", folder=tmp_path) == whole


def test_commands_do_the_same_where_python_leaves_docstrings_and_asserts_out(tmp_path: Path) -> None:
    (tmp_path / "input.txt").write_text("the quick brown fox jumps over the lazy dog\n" * 50, encoding="utf-8")
    optimized = shown(USED, "-OO", folder=tmp_path)
    (tmp_path / "run").rename(tmp_path / "optimized")
    whole = shown(USED, folder=tmp_path)
    assert [line for line in optimized.splitlines() if "counted in" not in line] == [
        line for line in whole.splitlines() if "counted in" not in line
    ]
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == (
        tmp_path / "optimized" / "model.safetensors"
    ).read_bytes()
