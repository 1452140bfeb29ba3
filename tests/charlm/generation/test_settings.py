"""The settings of sampling as keywords."""

from __future__ import annotations

from typing import Any

import pytest

from charlm import CharLM


@pytest.mark.parametrize("function", ["generate", "sample"])
def test_an_unknown_setting_is_refused_and_the_nearest_named(function: str) -> None:
    misspelled: dict[str, Any] = {"temprature": 1}
    lm = CharLM.fit(["anna", "hanna"], order=2)
    with pytest.raises(TypeError, match="there is no setting temprature: did you mean temperature"):
        getattr(lm, function)(5 if function == "sample" else "an", **misspelled)
