import dataclasses
import json
import math
from typing import Any

import pytest

from charlm.files.run_description import RunDescription
from mutations import as_json

DESCRIPTION = RunDescription(
    text="a \ud800.txt", characters=9, symbols=3, excerpt="\x00\n", settings={"order": 3}, machine={"cores": "2"}
)


def test_a_description_comes_back() -> None:
    assert RunDescription.from_json(DESCRIPTION.to_json()) == DESCRIPTION
    assert DESCRIPTION.began.endswith("+00:00")


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_number_that_json_does_not_have_is_not_written(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dataclasses.replace(DESCRIPTION, settings={"smoothing": number}).to_json()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "version 2 is newer than version 1, the newest supported: upgrade chartok"),
        ({"version": "1"}, "the version of a description of a run must be a positive integer"),
        ({"text": 3}, "text must be of type str"),
        ({"characters": True}, "characters must be of type int"),
        ({"excerpt": None}, "excerpt must be a str or a list of them"),
        ({"settings": []}, "settings must be of type dict"),
        ({"machine": ""}, "machine must be of type dict"),
        ({"began": 0}, "began must be of type str"),
        ({"more": 1}, "more"),
    ],
)
def test_what_describes_no_run_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    changed = as_json(json.loads(DESCRIPTION.to_json()) | change)
    with pytest.raises(ValueError, match=message):
        RunDescription.from_json(changed)
