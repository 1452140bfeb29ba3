import hashlib
import shutil
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from charlm import tiny_shakespeare
from charlm.data import corpora


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Lets a file in a folder of this machine take the place of the text on the net."""
    served = tmp_path / "served" / "input.txt"
    served.parent.mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=served.parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setattr(corpora, "TINY_SHAKESPEARE", f"http://127.0.0.1:{server.server_port}/input.txt")
        yield served
        server.shutdown()
        thread.join()


def test_the_text_is_downloaded_once_and_is_that_of_the_notebook(
    served: Path, shakespeare_path: Path, shakespeare: str, tmp_path: Path
) -> None:
    shutil.copyfile(shakespeare_path, served)
    assert tiny_shakespeare(tmp_path / "kept") == shakespeare
    served.unlink()
    assert tiny_shakespeare(tmp_path / "kept") == shakespeare


def test_a_folder_may_be_named_by_the_environment(
    shakespeare_path: Path, shakespeare: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(shakespeare_path, tmp_path / "tinyshakespeare.txt")
    monkeypatch.setenv("CHARTOK_DATA", str(tmp_path))
    assert tiny_shakespeare() == shakespeare


def test_another_text_is_refused_and_not_kept(served: Path, tmp_path: Path) -> None:
    served.write_text("First Citizen: another text")
    assert hashlib.sha256(served.read_bytes()).hexdigest() != corpora.TINY_SHAKESPEARE_SHA256
    with pytest.raises(ValueError, match="hash of downloaded file"):
        tiny_shakespeare(tmp_path / "kept")
    assert not list((tmp_path / "kept").iterdir())


def test_what_cannot_be_reached_is_an_error_of_the_system(served: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="404"):
        tiny_shakespeare(tmp_path / "kept")


def test_without_pooch_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'chartok\[data\]'"):
        tiny_shakespeare(tmp_path)
