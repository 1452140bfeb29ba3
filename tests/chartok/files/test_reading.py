"""The settings of reading say at once what is wrong with them."""

import dataclasses
import encodings
import pickle
import pkgutil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartok import ReadingSettings
from chartok.files.reading import ReadingKeywords

NO_TEXT = ["base64_codec", "bz2_codec", "hex_codec", "idna", "punycode", "quopri_codec", "rot_13", "undefined"]
CODECS = [
    module.name
    for module in pkgutil.iter_modules(encodings.__path__)
    if module.name != "aliases" and not module.name.startswith(("mbcs", "_"))
]


@pytest.mark.parametrize("encoding", [*CODECS, "utf-8-sig", "latin1", "UTF8", "auto"])
def test_every_text_encoding_of_python_is_taken_and_no_other_codec(encoding: str) -> None:
    if encoding in {*NO_TEXT, "uu_codec", "zlib_codec", "oem"}:
        with pytest.raises(ValueError, match="encoding must be 'auto' or a text encoding"):
            ReadingSettings(encoding=encoding)
    else:
        assert ReadingSettings(encoding=encoding).encoding == encoding


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"encoding": "utf-9"}, ValueError, "encoding must be 'auto' or a text encoding of Python's.* got 'utf-9'"),
        ({"encoding": "a\0b"}, ValueError, "encoding must be"),
        ({"encoding": None}, TypeError, "encoding must be a str, got NoneType"),
        ({"decode_errors": "shrug"}, ValueError, "decode_errors must be an error handler for decoding.* got 'shrug'"),
        ({"decode_errors": "xmlcharrefreplace"}, ValueError, "decode_errors must be an error handler for decoding"),
        ({"compression": "zip"}, ValueError, "compression must be one of auto, gzip, bz2, xz, zstd, none, got 'zip'"),
        ({"compression": None}, TypeError, "compression must be a str"),
        ({"blank_lines": "drop"}, ValueError, "blank_lines must be one of skip, keep, error, got 'drop'"),
        ({"pattern": ""}, ValueError, "pattern is empty"),
        ({"column": 3}, TypeError, "column must be a str, got int"),
        ({"delimiter": b"\n"}, TypeError, "delimiter must be a str, got bytes"),
        ({"separator": None}, TypeError, "separator must be a str"),
        ({"delimeter": "\n"}, TypeError, "delimeter"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(settings: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ReadingSettings(**settings)
    with pytest.raises(error, match=message):
        ReadingSettings().with_keywords(**settings)


@pytest.mark.parametrize(
    "handler", ["strict", "ignore", "replace", "backslashreplace", "surrogateescape", "surrogatepass"]
)
def test_every_error_handler_for_decoding_is_taken(handler: str) -> None:
    assert ReadingSettings(decode_errors=handler).decode_errors == handler


@given(st.text(), st.text(min_size=1), st.sampled_from(["skip", "keep", "error"]))
def test_keywords_replace_their_fields_alone_and_settings_travel(delimiter: str, pattern: str, blank: Any) -> None:
    settings = ReadingSettings(delimiter=delimiter, column="name")
    changed = settings.with_keywords(pattern=pattern, blank_lines=blank)
    assert dataclasses.asdict(changed) == dataclasses.asdict(settings) | {"pattern": pattern, "blank_lines": blank}
    assert settings.with_keywords() is settings
    assert pickle.loads(pickle.dumps(changed)) == changed  # noqa: S301 - our own
    assert hash(changed) == hash(pickle.loads(pickle.dumps(changed)))  # noqa: S301


def test_the_keywords_are_the_fields() -> None:
    assert set(ReadingKeywords.__annotations__) == {field.name for field in dataclasses.fields(ReadingSettings)}
