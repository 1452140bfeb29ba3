import copy
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartok.files.envelope import canonical_json, check_seal, check_version, sealed

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
)
values = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)), max_leaves=12
)
objects = st.dictionaries(st.text(), values, min_size=1)


class MalformedError(Exception):
    pass


class NewerError(Exception):
    pass


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yields each container inside a value with each of its keys or indices."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


@given(st.integers(1, 100), st.integers(1, 100), objects)
def test_a_version_up_to_the_current_one_is_read_and_a_newer_one_refused(
    version: int, current: int, content: dict[str, Any]
) -> None:
    content = content | {"version": version}
    if version <= current:
        assert check_version(content, current, "a note", error=MalformedError, newer=NewerError) is content
        return
    message = f"^a note of version {version} is newer than version {current}, the newest supported: upgrade chartok$"
    with pytest.raises(NewerError, match=message):
        check_version(content, current, "a note", error=MalformedError, newer=NewerError)
    with pytest.raises(MalformedError, match=message):
        check_version(content, current, "a note", error=MalformedError)


def check_wrong_version(version: object) -> None:
    message = r"^the version of a note must be a positive integer, got "
    with pytest.raises(MalformedError, match=message) as caught:
        check_version({"version": version}, 1, "a note", error=MalformedError, newer=NewerError)
    assert str(caught.value).isascii()


@pytest.mark.parametrize("version", [False, True, 1.0, math.nan, math.inf, "1", "é", 0, -1, None, [1], {"version": 1}])
def test_a_version_that_is_no_positive_integer_is_refused(version: object) -> None:
    check_wrong_version(version)


@given(values.filter(lambda value: type(value) is not int or value < 1))
def test_a_version_that_is_any_other_json_value_is_refused(version: object) -> None:
    check_wrong_version(version)


@given(values.filter(lambda value: not isinstance(value, dict)))
def test_what_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(MalformedError, match=f"^a note must be a JSON object, got {type(value).__name__}$"):
        check_version(value, 1, "a note", error=MalformedError, newer=NewerError)


def test_an_object_without_a_version_is_refused() -> None:
    with pytest.raises(MalformedError, match=r"^a note has no version$"):
        check_version({"Version": 1}, 1, "a note", error=MalformedError, newer=NewerError)


@given(objects, st.lists(st.binary()))
def test_what_was_sealed_is_found_sound_after_a_way_through_json(content: dict[str, Any], more: list[bytes]) -> None:
    read = json.loads(json.dumps(sealed(content, more=more)))
    check_seal(read, "a note", error=MalformedError, more=more)
    check_seal(dict(reversed(read.items())), "a note", error=MalformedError, more=more)


@given(objects, values)
def test_every_value_that_became_another_is_found(content: dict[str, Any], other: object) -> None:
    sound = sealed(content)
    for number in range(len(list(places(sound)))):
        damaged = copy.deepcopy(sound)
        container, key = list(places(damaged))[number]
        for value in (other, not container[key], None, [container[key]]):
            before, container[key] = container[key], value
            if canonical_json(damaged) != canonical_json(sound):
                with pytest.raises(MalformedError, match=r"^a note does not match its SHA-256$"):
                    check_seal(damaged, "a note", error=MalformedError)
            container[key] = before


@given(objects, st.lists(st.binary(min_size=1), min_size=1), st.data())
def test_every_flipped_bit_of_what_else_is_under_the_seal_is_found(
    content: dict[str, Any], more: list[bytes], data: st.DataObject
) -> None:
    sound = sealed(content, more=more)
    index = data.draw(st.integers(0, len(more) - 1))
    damaged = bytearray(more[index])
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    for other in ([*more[:index], bytes(damaged), *more[index + 1 :]], [*more, b"\0"], more[:-1]):
        with pytest.raises(MalformedError):
            check_seal(sound, "a note", error=MalformedError, more=other)


@given(objects, st.text())
def test_a_key_that_is_missing_added_or_renamed_is_found(content: dict[str, Any], name: str) -> None:
    sound = sealed(content)
    for key in sound:
        without = {other: value for other, value in sound.items() if other != key}
        with pytest.raises(MalformedError):
            check_seal(without, "a note", error=MalformedError)
        if name not in sound:
            with pytest.raises(MalformedError):
                check_seal(without | {name: sound[key]}, "a note", error=MalformedError)


@pytest.mark.parametrize("seal", [None, True, 0, [], {}, "", "0" * 64])
def test_a_seal_of_any_other_kind_is_refused(seal: object) -> None:
    with pytest.raises(MalformedError):
        check_seal({"version": 1, "sha256": seal}, "a note", error=MalformedError)


def test_the_seal_is_the_digest_of_the_canonical_form_and_of_what_follows() -> None:
    # printf '{"a": [1.5, "\\u00e9"], "version": 1}tensors' | sha256sum
    expected = "f550b6a4846a4dfa77bfaf6bc00a80489292551d82bb1de22db9313691960191"
    content = {"version": 1, "a": [1.5, "é"], "sha256": "that of an older version"}
    assert sealed(content, more=[b"tens", memoryview(b"ors")])["sha256"] == expected
    assert content["sha256"] == "that of an older version"


def test_a_format_that_keeps_its_own_order_of_keys_brings_its_own_encoding() -> None:
    def encode(content: Any) -> bytes:
        return json.dumps(content, indent=1).encode()

    sound = sealed({"b": 1, "a": 2}, encode=encode)
    check_seal(sound, "a note", error=MalformedError, encode=encode)
    with pytest.raises(MalformedError):
        check_seal(dict(reversed(sound.items())), "a note", error=MalformedError, encode=encode)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_json_is_not_sealed(number: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        sealed({"loss": number})


def test_nothing_but_the_standard_library_is_loaded() -> None:
    code = "import chartok.files.envelope, sys; print(*sys.modules)"
    report = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "torch", "safetensors"} & set(report.stdout.split())
