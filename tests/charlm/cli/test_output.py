import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.cli.app import main
from charlm.cli.output import print_line

ODD_NAMES = ["two\nlines", "red\x1b[31m", "bell\x07", "back\u202eward", os.fsdecode(b"latin\xe9")]


@given(st.text(st.characters()))
def test_what_is_printed_is_one_printable_line_and_says_all(text: str) -> None:
    file = io.StringIO()
    print_line(text, file)
    line = file.getvalue().removesuffix("\n")
    assert line.isprintable()
    if text.isprintable():
        assert line == text
    elif "\\" not in text:
        assert line.encode("ascii", "backslashreplace").decode("unicode_escape") == text


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_path_is_shown_without_what_would_steer_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("the quick brown fox\n" * 50, encoding="utf-8")
    shown = ascii(name)[1:-1]
    for arguments, code, said in (
        (["prepare", name, "--out", f"{name}.tokens"], 0, f"saved to {shown}.tokens"),
        (["prepare", name, "--out", f"{name}.tokens", "--json"], 0, '"file": '),
        (["train", f"{name}.tokens", "--out", f"{name}.run"], 0, f"saved to {shown}.run"),
        (["train", name, "--out", f"{name}.run"], 1, f"{shown}.run: the folder already contains a run"),
        (["train", name, "--model", "bigram"], 0, f"saved to runs/{shown}-bigram"),
        (["report", f"{name}.run"], 0, f"saved to {shown}.run/report.html"),
        (["export", f"{name}.run", "--format", "arpa", "--out", f"{name}.arpa"], 0, f"saved to {shown}.arpa"),
        (["info", f"{name}.missing"], 1, f"charlm: {shown}.missing: No such file or directory"),
        (["info", name], 1, f"charlm: '{shown}' is a text, not a model file of charlm"),
        ([name], 2, f"there is no command '{shown}'"),
        (["info", "x", "--config", name], 2, f"charlm: '{shown}' is not TOML"),
    ):
        assert main(arguments) == code
        written = capsys.readouterr()
        assert said in written.out + written.err
        assert all(line.isprintable() for line in (written.out + written.err).removesuffix("\n").split("\n"))
