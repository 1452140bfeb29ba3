import pytest

from chartok.files.strict_json import parse_json


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        (b"\xff", "not JSON"),
        ('{"a": 1}'.encode("utf-16"), "invalid UTF-8 at byte offset 0"),
        ('{"a": 1}'.encode("utf-16-le"), "not JSON"),
        (b'"\xed\xa0\x80"', "invalid UTF-8 at byte offset 1"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        ('{"a": 1, "a": 2}', "repeats the key 'a'"),
        ('{"deep": {"a": 1, "a": 2}}', "repeats the key 'a'"),
        ("[NaN]", "NaN is not a JSON number"),
        ("[-Infinity]", "-Infinity is not a JSON number"),
        ("[1e999]", "1e999 is out of range"),
        ("[" * 100_000, "nested too deeply"),
        ("9" * 5000, "limit"),
    ],
)
def test_what_readers_could_take_differently_is_refused(text: str | bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_json(text)


def test_values_come_through() -> None:
    assert parse_json(b'{"a": [1, 2.5, "\\ud800", null, true]}') == {"a": [1, 2.5, "\ud800", None, True]}
