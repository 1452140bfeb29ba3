import subprocess
import sys

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
    assert said.endswith("pip install chartok[fast]")


def test_the_command_line_says_so_in_one_line() -> None:
    said = output_of(f"{WITHOUT}\nfrom charlm.cli.app import main\nprint(main(['compress', 'x']))")
    assert said.startswith("1\ncharlm: numba is missing")
    assert said.endswith("pip install chartok[fast]")


def test_nothing_else_loads_numba() -> None:
    program = "import sys, charlm\ncharlm.CharLM.fit('the cat ' * 9, order=3).generate('a', max_new_tokens=3)\n"
    program += "print([name for name in sys.modules if name.startswith(('numba', 'charlm.models.adaptive'))])"
    assert output_of(program) == "[]\n"
