"""Texts of many kinds that Debian's packages carry, to learn constants from and to compare models on.

``apt-get download`` fetches the packages into the folder that ``CHARTOK_CORPORA`` names, by default ``corpora`` in the
folder for temporary files; nothing is installed.
"""

from __future__ import annotations

import gzip
import os
import pydoc_data.topics
import random
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import NamedTuple

from texts import first_names, tiny_shakespeare

FOLDER = Path(os.environ.get("CHARTOK_CORPORA", Path(tempfile.gettempdir()) / "corpora"))
MOST_CHARACTERS = 1_200_000
FORTUNES = "usr/share/games/fortunes"
MANUAL = "usr/share/debian-reference/debian-reference"


class Source(NamedTuple):
    """Where a text comes from.

    Attributes:
        package: The Debian package.
        pattern: Which of its files, in the order of their names.
        most: How many characters are taken from the beginning.
    """

    package: str
    pattern: str
    most: int = MOST_CHARACTERS


LEARNED_FROM = {
    "English sayings": Source("fortunes", f"{FORTUNES}/*"),
    "Italian sayings": Source("fortunes-it", f"{FORTUNES}/it/*"),
    "Spanish sayings": Source("fortunes-es", f"{FORTUNES}/es/*", 500_000),
    "German manual": Source("debian-reference-de", f"{MANUAL}.de.txt.gz"),
    "Chinese manual": Source("debian-reference-zh-cn", f"{MANUAL}.zh-cn.txt.gz"),
    "Japanese man pages": Source("manpages-ja", "usr/share/man/**/*.gz"),
    "Russian man pages": Source("manpages-ru", "usr/share/man/**/*.gz"),
    "C headers": Source("libc6-dev", "usr/include/**/*.h", 800_000),
    "JavaScript": Source("node-underscore", "usr/share/nodejs/**/*.js", 600_000),
}
"""Texts from which the constants of learned back-off come; none of them is used for anything else."""
WORDS_LEARNED_FROM = {
    "English words": (Source("wamerican", "usr/share/dict/american-english"), 30_000),
    "German words": (Source("wngerman", "usr/share/dict/ngerman", 5_000_000), 20_000),
    "a few German words": (Source("wngerman", "usr/share/dict/ngerman", 5_000_000), 2_000),
}
"""Lists of words, of which so many are drawn."""
COMPARED_ON = {
    "German quotations": Source("fortunes-de", f"{FORTUNES}/de/zitate"),
    "Russian sayings": Source("fortunes-ru", f"{FORTUNES}/ru/*"),
    "Japanese manual": Source("debian-reference-ja", f"{MANUAL}.ja.txt.gz"),
    "Chinese poems and sayings": Source("fortunes-zh", f"{FORTUNES}/*"),
}


def unpacked(package: str) -> Path:
    """Returns the folder with the files of a Debian package, fetched where it is not at hand."""
    folder = FOLDER / package
    if not folder.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "-qq", package], cwd=FOLDER, check=True)  # noqa: S603, S607
        subprocess.run(["dpkg-deb", "-x", next(FOLDER.glob(f"{package}_*.deb")), folder], check=True)  # noqa: S603, S607
    return folder


def text_of(source: Source) -> str:
    """Returns the text of a source, fetched where it is not at hand; files that are not UTF-8 are left out."""
    folder = unpacked(source.package)
    paths = [path for path in sorted(folder.glob(source.pattern)) if path.is_file() and not path.is_symlink()]
    texts = []
    for path in paths:
        data = path.read_bytes()
        try:
            texts.append((gzip.decompress(data) if path.suffix == ".gz" else data).decode())
        except UnicodeDecodeError:
            continue
    return "".join(texts)[: source.most]


def texts_to_compare_on() -> dict[str, str]:
    """Returns texts by name, none of which has part in the constants that come with the library."""
    topics = pydoc_data.topics.topics
    library = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    return {
        "Tiny Shakespeare": tiny_shakespeare().read_text("utf-8"),
        "Python's documentation": "\n".join(topics[name] for name in sorted(topics)),
        "Python source": "".join(path.read_text("utf-8") for path in library)[:1_000_000],
        **{name: text_of(source) for name, source in COMPARED_ON.items()},
        "log of a package manager": Path("/var/log/dpkg.log").read_text("utf-8"),
    }


def names() -> list[str]:
    """Returns first names in a random order."""
    words = first_names().read_text("utf-8").split()
    order = list(range(len(words)))
    random.Random(0).shuffle(order)  # noqa: S311 - reproducible
    return [words[place] for place in order]
