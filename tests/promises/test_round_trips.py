"""The coder that learns as it goes gives back every text, record and sequence of ids, here and in another process."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import coded_texts
from torture import TORTURE

TEXTS, CODES = (7_000, 3_000) if TORTURE else (40, 50)


def test_another_process_decompresses_every_text_and_compresses_it_to_the_same_bytes(
    tmp_path: Path, record_property: Callable[[str, int], None]
) -> None:
    path = tmp_path / "compressed"
    coded_texts.write(path, TEXTS)
    done = subprocess.run(
        [sys.executable, coded_texts.__file__, "decompress", path, f"{TEXTS}"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.startswith(f"decompress: {TEXTS:,} texts"), done.stderr
    record_property("a text is compressed, and decompressed in another process", TEXTS)


def test_ids_come_back_from_models_of_any_settings(record_property: Callable[[str, int], None]) -> None:
    for encoder, decoder, ids in coded_texts.codes(CODES):
        assert decoder.decode(encoder.encode(ids), len(ids)).tolist() == ids
    record_property("ids are encoded and decoded", CODES)
