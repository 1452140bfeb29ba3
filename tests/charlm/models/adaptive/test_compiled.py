import os
import shutil
import subprocess
import sys
from pathlib import Path

from charlm.models.adaptive import compiled

WITHOUT = """
import sys

class NoNumba:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "numba":
            raise ModuleNotFoundError("No module named 'numba'", name="numba")

sys.meta_path.insert(0, NoNumba())
"""


def output_of(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr.strip().rpartition("\n")[2]


def test_without_numba_the_error_says_what_to_install() -> None:
    said = output_of(f"{WITHOUT}\nimport charlm\ncharlm.CharLM.fit('the cat ' * 9, order=3).adaptive()")
    assert said.startswith("ModuleNotFoundError: numba is missing")
    assert said.endswith("pip install 'chartok[fast]'")


def test_the_command_line_says_so_in_one_line() -> None:
    said = output_of(f"{WITHOUT}\nfrom charlm.cli.app import main\nprint(main(['compress', {__file__!r}]))")
    assert said.startswith("1\ncharlm: numba is missing")
    assert said.endswith("pip install 'chartok[fast]'")


def test_everything_can_be_imported_without_numba() -> None:
    assert (
        output_of(f"{WITHOUT}\nfrom charlm import *\nprint(AdaptiveLanguageModel.__name__)")
        == "AdaptiveLanguageModel\n"
    )


def test_nothing_else_loads_numba() -> None:
    program = "import sys, charlm\ncharlm.CharLM.fit('the cat ' * 9, order=3).generate('a', max_new_tokens=3)\n"
    program += "print([name for name in sys.modules if name.startswith(('numba', 'charlm.models.adaptive'))])"
    assert output_of(program) == "[]\n"


CALLER = """
from copied.compiled import compiled
from copied.callee import number

@compiled
def asked():
    return number()

print(asked(), sum(asked.stats.cache_hits.values()))
"""
CALLEE = "from copied.compiled import inlined\n\n@inlined\ndef number():\n    return {}\n"


def test_machine_code_is_kept_until_any_file_changes_that_it_was_made_from(tmp_path: Path) -> None:
    package = tmp_path / "copied"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "caller.py").write_text(CALLER)
    shutil.copy(compiled.__file__, package)
    said = []
    for number in (123, 123, 45, 123):
        (package / "callee.py").write_text(CALLEE.format(number))
        command = [sys.executable, "-B", "-m", "copied.caller"]
        environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "NUMBA_DISABLE_JIT": "0"}
        said.append(subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True).stdout)
    assert said == [b"123 0\n", b"123 1\n", b"45 0\n", b"123 1\n"]
