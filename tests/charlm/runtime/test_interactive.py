"""Progress is shown where somebody is watching."""

import io
import os
import sys
import types
from types import SimpleNamespace
from typing import Any

import pytest

from charlm.runtime.interactive import bar, in_notebook, is_shown, on_terminal, stage


class Stream(io.StringIO):
    """A standard error that is a terminal, or is not."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


def as_terminal(monkeypatch: pytest.MonkeyPatch) -> Stream:
    monkeypatch.setattr(sys, "stderr", stream := Stream(is_terminal=True))
    return stream


def with_shell(monkeypatch: pytest.MonkeyPatch, shell: Any) -> None:
    ipython = types.ModuleType("IPython")
    ipython.__dict__["get_ipython"] = lambda: shell
    monkeypatch.setitem(sys.modules, "IPython", ipython)


def test_a_kernel_is_a_notebook_and_a_shell_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not in_notebook()
    with_shell(monkeypatch, None)  # IPython is loaded, but does not run
    assert not in_notebook()
    with_shell(monkeypatch, SimpleNamespace(config={"TerminalIPythonApp": {}}))
    assert not in_notebook()
    with_shell(monkeypatch, SimpleNamespace(config={"IPKernelApp": {}}))
    assert in_notebook()


@pytest.mark.parametrize("stream", [None, Stream(is_terminal=False)])
def test_what_no_one_sees_is_not_shown_unless_asked_for(monkeypatch: pytest.MonkeyPatch, stream: Stream | None) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    assert not on_terminal()
    assert [is_shown(progress) for progress in (None, True, False)] == [False, True, False]


def test_a_closed_stream_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    as_terminal(monkeypatch).close()
    assert not on_terminal()


def test_a_terminal_and_a_notebook_show_progress_unless_told_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    as_terminal(monkeypatch)
    assert on_terminal()
    assert [is_shown(progress) for progress in (None, True, False)] == [True, True, False]
    monkeypatch.setattr(sys, "stderr", Stream(is_terminal=False))
    with_shell(monkeypatch, SimpleNamespace(config={"IPKernelApp": {}}))
    assert [is_shown(progress) for progress in (None, True, False)] == [True, True, False]


@pytest.mark.parametrize("wrong", [1, "yes", 0.5])
def test_anything_else_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=f"progress must be True or False, got {wrong!r}"):
        is_shown(wrong)


def test_a_stage_is_gone_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = as_terminal(monkeypatch)
    with stage("counting 5,000,000 characters"):
        assert "counting 5,000,000 characters ..." in terminal.getvalue()
    assert not terminal.getvalue().split("\r")[-1].strip()


def test_a_stage_leaves_no_trace_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream := Stream(is_terminal=False))
    with stage("counting"):
        pass
    assert not stream.getvalue()


def test_a_notebook_without_widgets_gets_a_bar_of_text_and_no_warning(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    terminal = as_terminal(monkeypatch)
    for name in [name for name in sys.modules if name.startswith("tqdm.auto") or name == "tqdm.notebook"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with_shell(monkeypatch, SimpleNamespace(config={"IPKernelApp": {}}))
    with bar(total=3) as steps:
        steps.update(3)
    assert "3/3" in terminal.getvalue()
    assert not [warned for warned in recwarn if not issubclass(warned.category, DeprecationWarning)]  # tqdm's own


@pytest.mark.parametrize("columns", [0, 40, 80])
def test_a_bar_is_as_wide_as_the_terminal_or_80_columns(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    termios = pytest.importorskip("termios")
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    with os.fdopen(theirs, "w") as stream, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", stream)
        with bar(total=3) as steps:
            steps.update(3)
        shown = os.read(ours, 4096).decode()
    os.close(ours)
    widest = max(map(len, shown.replace("\r", "\n").split("\n")))
    assert widest in ({columns - 1, columns} if columns else {79})  # older releases of tqdm use the last column, too
