from typing import get_args

import pytest
import torch

from charlm.training.config import Precision
from charlm.training.precision import computing_in, resolve_precision

CPU = torch.device("cpu")


def test_each_name_stands_for_its_type_and_auto_for_what_the_device_is_good_at() -> None:
    assert resolve_precision("auto", CPU) == resolve_precision("float32", CPU) == torch.float32
    assert resolve_precision("bfloat16", CPU) == torch.bfloat16
    assert resolve_precision("float16", CPU) == torch.float16


@pytest.mark.parametrize(("has_bfloat16", "best"), [(True, torch.bfloat16), (False, torch.float32)])
def test_a_gpu_gets_bfloat16_where_it_has_it(
    monkeypatch: pytest.MonkeyPatch, has_bfloat16: bool, best: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: has_bfloat16)
    gpu = torch.device("cuda", 0)
    assert resolve_precision("auto", gpu) == best
    if not has_bfloat16:
        with pytest.raises(ValueError, match="precision 'bfloat16' is not available on cuda:0"):
            resolve_precision("bfloat16", gpu)


def test_a_device_without_other_types_refuses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.amp, "is_autocast_available", lambda _: False)
    for precision in set(get_args(Precision)) - {"auto", "float32"}:
        with pytest.raises(ValueError, match="use 'auto' or 'float32'"):
            resolve_precision(precision, CPU)


def test_matrices_are_multiplied_in_the_type() -> None:
    matrix = torch.ones(2, 2)
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        with computing_in(dtype, CPU):
            assert (matrix @ matrix).dtype == dtype
