"""How the command line reads files, and says in one line what is wrong with them."""

import io
import re
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from charlm.cli.app import main
from charlm.files.run_folder import RunFolder
from fuzzing import Damage, Read, Reader, under_its_name
from mutations import mutated
from run_readers import FLAGS
from signing import resealed, signed_compressed_file, signed_model_file

OF_A_MODEL = {
    "info": "",
    "score": "TEXT",
    "evaluate": "TEXT",
    "generate": "--max-new-tokens 4",
    "correct": "TEXT",
    "export": "--format arpa --out OUT",
    "prune": "--compact --out OUT",
}
"""What follows the model file in a command."""
SHARE = 0.01
"""A command takes as long as a hundred reads of a small file."""


class OneLineError(Exception):
    """The command line said in one line what is wrong, as it should."""


def command_line(command: str, **others: Path) -> Read:
    """Returns what runs a command on a FILE; the other files are named by what stands for them."""

    def read(path: Path) -> object:
        said, wrong = io.StringIO(), io.StringIO()
        names = {"FILE": path, "OUT": path.with_suffix(".out"), **others}
        arguments = [str(names.get(word, word)) for word in command.split()]
        with redirect_stdout(said), redirect_stderr(wrong):
            code = main(arguments)
        if code == 0:
            assert "Traceback" not in wrong.getvalue()
            return said.getvalue()
        assert code in (1, 2)
        assert re.search("^charlm: .+\n\\Z", wrong.getvalue(), flags=re.MULTILINE)
        assert "Traceback" not in wrong.getvalue()
        raise OneLineError(wrong.getvalue())

    return read


def report_with(name: str, model: Path) -> Read:
    """Returns what makes the report of a run folder that holds a model and the damaged file."""
    report = command_line("report FILE")

    def read(path: Path) -> object:
        folder = path.with_suffix(".run")
        folder.mkdir(exist_ok=True)
        shutil.copy(model, RunFolder(folder).model_path)
        path.replace(folder / name)
        return report(folder)

    return read


def readers_of_command_lines(folder: Path) -> dict[str, Reader]:
    """Returns them; the files are those that the other readers have made in the folder."""
    model, text = folder / "bigram.safetensors", folder / "input.txt"
    of_a_model = signed_model_file(folder / "ngram.safetensors")
    found = {
        f"charlm {command}": of_command(f"{command} FILE {rest}", of_a_model, TEXT=text)
        for command, rest in OF_A_MODEL.items()
    }
    compressed = signed_compressed_file((folder / "compressed.ctk").read_bytes())
    found["charlm decompress"] = of_command("decompress FILE --out OUT", compressed)
    found["charlm prepare"] = of_command("prepare FILE --out OUT", of_file(text))
    for name, other in {"ckpt.pt": "--vocabulary VOCABULARY", "model.arpa": ""}.items():
        command = f"import FILE {other} --out OUT"
        found[f"charlm import, {name}"] = of_command(command, of_file(folder / name), VOCABULARY=folder / "labels.json")
    classifier = folder / "classifier"
    classify = under_its_name(
        command_line("classify FILE TEXT", TEXT=text), "classifier.json", *classifier.glob("*.safetensors")
    )
    described = resealed((classifier / "classifier.json").read_bytes())
    found["charlm classify"] = Reader(classify, (OneLineError,), described, share=SHARE)
    found["charlm --config"] = of_command(
        "generate MODEL --max-new-tokens 4 --config FILE", damaged(FLAGS), MODEL=model
    )
    for name in ("run.json", "run/log.jsonl"):
        sound = folder / name
        report = report_with(sound.name, model)
        found[f"charlm report, {sound.stem}"] = Reader(report, (OneLineError,), of_file(sound), share=SHARE)
    return found


def of_command(command: str, damage: Damage, **others: Path) -> Reader:
    return Reader(command_line(command, **others), (OneLineError,), damage, share=SHARE)


def of_file(path: Path) -> Damage:
    return damaged(path.read_bytes())


def damaged(sound: bytes) -> Damage:
    return lambda generator: mutated(sound, generator)
