import subprocess
import sys
from importlib import metadata

import numpy as np
import torch

from charlm.runtime.machine import machine


def test_the_machine_is_told_in_words() -> None:
    told = machine(torch.device("cpu"))
    assert {"device", "processor", "cores", "python", "torch", "chartok"} <= set(told)
    assert all(isinstance(value, str) and value for value in told.values())
    assert (told["device"], told["numpy"]) == ("cpu", np.__version__)
    assert told["torch"] == metadata.version("torch")


def test_a_processor_is_told_without_pytorch() -> None:
    code = "from charlm.runtime.machine import machine; machine('cpu'); import sys; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
