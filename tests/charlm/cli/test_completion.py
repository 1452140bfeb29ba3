"""What a shell offers: commands, flags, their values, and the names of files."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from charlm.cli.app import main
from charlm.cli.completion import FILES, SCRIPTS, candidates
from charlm.cli.flags import COMMANDS


def test_a_shell_takes_the_script_that_completes(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in SCRIPTS:
        assert main(["completion", shell]) == 0
        script = capsys.readouterr().out
        assert "__complete" in script
        if shutil.which(shell):
            subprocess.run([shell, "-n"], input=script, text=True, check=True)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["tr"], ["train"]),
        (["--v"], ["--version"]),
        (["help", "ex"], ["export"]),
        (["train", "input.txt", "--model", "tr"], ["trained-bigram"]),
        (["train", "input.txt", "-m", "tr"], ["trained-bigram"]),
        (["train", "input.txt", "--model", "=", "tr"], ["trained-bigram"]),  # as bash splits it
        (
            ["train", "input.txt", "--model", "="],
            ["ngram", "bigram", "trained-bigram", "gpt", "classic-gpt", "mixture"],
        ),
        (["train", "input.txt", "--model=tr"], ["--model=trained-bigram"]),
        (["train", "--max-se"], []),
        (["train", "--model", "gpt", "--max-se"], ["--max-seconds"]),
        (["train", "--no-"], []),
        (["train", "-m", "gpt", "--no-"], ["--no-prior"]),
        (["train", "--size", ""], ["nano", "small", "base"]),
        (["train", ""], [FILES]),
        (["train", "input.txt", "--json", ""], [FILES]),
        (["train", "--order", ""], []),
        (["train", "--order", "3", ""], [FILES]),
        (["generate", "run", "--prompts", "a.txt", ""], [FILES]),
        (["generate", "run", "--stop", "a", ""], []),
        (["generate", "run", "--prompt", ""], []),
        (["export", "run", "--format", "to"], ["tokenizer-json"]),
        (["export", "run", "--out=a"], [FILES]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["nonsense", ""], []),
        (["train", "--model", "nonsense", "--ord"], ["--order"]),
    ],
)
def test_what_may_come_next_is_offered(words: list[str], offered: list[str]) -> None:
    assert candidates(words) == offered


def test_every_command_and_every_flag_is_offered() -> None:
    assert {*COMMANDS, "help"} == {*candidates([""])}
    for name in COMMANDS:
        offered = candidates([name, "--"])
        assert {"--help", "--help-all", "--config"} <= {*offered}


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with ``charlm`` on the path, and with files."""
    binary = tmp_path / "bin" / "charlm"
    binary.parent.mkdir()
    binary.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m charlm "$@"\n')
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", f"{binary.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    (tmp_path / "shakespeare.txt").touch()
    return tmp_path


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is missing")
def test_bash_completes_commands_flags_values_and_files(program: Path) -> None:
    pexpect = pytest.importorskip("pexpect")
    shell = pexpect.spawn("bash --norc --noprofile -i", cwd=str(program), encoding="utf-8", timeout=120)
    shell.setwinsize(24, 200)
    shell.sendline("PS1='ready ''> '; bind 'set enable-bracketed-paste off'; eval \"$(charlm completion bash)\"")
    shell.expect_exact("ready > ")
    for typed, completed in (
        ("gener", "generate "),
        ("train shak", "shakespeare.txt "),
        ("train a.txt --model tra", "trained-bigram "),
        ("train a.txt --model=tra", "trained-bigram "),
        ("train a.txt -m gpt --max-se", "--max-seconds "),
        ("export run --out shak", "shakespeare.txt "),
    ):
        shell.send(f"charlm {typed}\t")
        shell.expect_exact(f"charlm {typed.rpartition(' ')[0]} ".replace("  ", " ") if " " in typed else "charlm ")
        shell.expect_exact(completed)
        shell.send("\x15\n")
        shell.expect_exact("ready > ")
    shell.close(force=True)
