"""How Sphinx builds these pages; nothing is fetched from the network."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import sys
import typing
import zlib
from pathlib import Path

from docutils import nodes
from sphinx.pycode import ModuleAnalyzer

if typing.TYPE_CHECKING:
    import types

    from sphinx.addnodes import desc_content
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

chartok, charlm = importlib.import_module("chartok"), importlib.import_module("charlm")


def import_for_annotations(module: types.ModuleType) -> None:
    """Imports into a module what it imports for a type checker alone: annotations name it, and autodoc reads them."""
    for statement in ast.parse(inspect.getsource(module)).body:
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            block = compile(ast.Module(statement.body, []), str(module.__file__), "exec")
            exec(block, vars(module))  # noqa: S102 - our own, as a type checker reads it


# Each module is loaded in the usual way first: what is imported for annotations may go round in a circle.
for module in [
    importlib.import_module(found.name)
    for package in (chartok, charlm)
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not found.name.endswith("__main__")
]:
    import_for_annotations(module)

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "extensions"), str(HERE / "figures")]

project = "chartok"
author = "The chartok developers"
version = release = chartok.__version__

extensions = [
    "build_figures",
    "class_pages",
    "code_blocks",
    "mathml",
    "myst_parser",
    "page_notebooks",
    "sphinx.ext.autodoc",
    "sphinx.ext.coverage",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build"]
nitpicky = True
nitpick_ignore = [
    ("py:exc", "sklearn.exceptions.NotFittedError"),  # whose inventory is not at hand
    *(
        ("py:class", f"charlm.models.{opaque}")  # opaque to callers
        for opaque in (
            "examples.FeaturesOfExamples",
            "ngram.lookup.Lookup",
            "ngram.packed_counts.PackedCounts",
            "ngram.search.Search",
            "prior.prior.HeldOutPrior",
            "prior.rows.PriorFeatures",
            "smoothing.kneser_ney.BackoffTable",
            "transformer.TransformerState",
        )
    ),
    ("py:class", "chartok.codepoints.CodePointTable"),  # opaque to callers too
    ("py:class", "charlm.data.batch_sampler.Examples"),  # likewise
    ("py:class", "charlm.decisions.conformal.RankedScores"),  # likewise
    ("py:class", "charlm.decisions.usual_texts.UsualTexts"),  # likewise
    ("py:class", "charlm.data.folds.Folds"),  # likewise
    ("py:class", "charlm.data.records.Records"),  # likewise
    ("py:class", "charlm.data.shown.ShownRecords"),  # a part of RecordDataset
    ("py:class", "charlm.data.shown.ShownText"),  # a part of TextDataset
    ("py:class", "charlm.recipes.keywords.FitKeywords"),  # the settings of CharLM.fit
    ("py:class", "charlm.recipes.keywords.UpdateFileKeywords"),  # those of CharLM.update_file
    ("py:class", "charlm.recipes.keywords.FitFileKeywords"),  # those, and how to read the files
    ("py:class", "chartok.vocabulary_sources.VocabularyKeywords"),  # what is asked of a vocabulary
    ("py:class", "charlm.models.transformer_shape.TransformerShape"),  # GPTConfig or ClassicGPTConfig
    ("py:class", "charlm.evaluation.text_scorer.TextScorer"),  # a part of CharLM
    ("py:class", "chartok.files.reading.ReadingKeywords"),  # the fields of ReadingSettings
    ("py:class", "charlm.generation.settings.SamplingKeywords"),  # the fields of SamplingSettings
]

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 2

autodoc_member_order = "bysource"
autodoc_typehints = "description"
toc_object_entries_show_parents = "hide"
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Attributes", "Args")]  # of a dataclass: its parameters

extensions += ["sphinx_gallery.gen_gallery"]
sphinx_gallery_conf = {
    "examples_dirs": "../examples/gallery",
    "gallery_dirs": "gallery",
    "ignore_pattern": r"recorded\.py",
    "image_scrapers": ("gallery_pictures.save_figures",),
    "reset_modules": ("gallery_pictures.use_house_style",),
    "capture_repr": (),
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 3600,  # in seconds: none takes as long
    "within_subsection_order": "gallery_pictures.ReadingOrder",
    "write_computation_times": False,
    "doc_module": ("chartok", "charlm"),
    "reference_url": {"chartok": None, "charlm": None},
}

# ``sphinx-build -b coverage`` counts the public names of the modules that the reference declares: the two packages,
# with all that they export, and three more. These names serve the library itself:
coverage_ignore_functions = ["as_stream", "check_one_of", "check_temperature", "families_with"]
coverage_ignore_classes = ["FileStream", "GenerationKeywords", "MemoryStream", "SamplingKeywords"]
coverage_show_missing_items = True
coverage_statistics_to_stdout = False

html_title = f"chartok {version}"
html_theme = "pydata_sphinx_theme"
html_theme_options = {
    "show_prev_next": True,
    "footer_start": [],
    "footer_end": [],
    "navbar_end": ["version-switcher", "theme-switcher"],
    "switcher": {"json_url": "_static/switcher.json", "version_match": version},
}
WITHOUT_PAGES_BELOW = ("installation", "faq", "troubleshooting", "stability", "changelog")
html_sidebars: dict[str, list[str]] = {page: [] for page in WITHOUT_PAGES_BELOW}  # a column would be empty
html_copy_source = False
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["pages.css"]

# What the copy button copies: the lines with a prompt, without it; a block without prompts as it is.
copybutton_prompt_text = r">>> |\.\.\. |\$ |> "
copybutton_prompt_is_regexp = True
copybutton_line_continuation_character = "\\"
copybutton_exclude = ".linenos, .go, .gt"


def compiled_inventory(name: str) -> str:
    """Returns the path of a Sphinx inventory made from the lines ``name domain:role uri`` of a text file."""
    lines = (HERE / "inventories" / f"{name}.txt").read_text("utf-8").splitlines()
    entries = "".join("{} {} 1 {} -\n".format(*line.split()) for line in lines)
    header = f"# Sphinx inventory version 2\n# Project: {name}\n# Version:\n# The rest is compressed using zlib.\n"
    path = HERE / "_build" / "inventories" / f"{name}.inv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header.encode() + zlib.compress(entries.encode()))
    return str(path)


intersphinx_mapping = {
    "matplotlib": ("https://matplotlib.org/stable/", compiled_inventory("matplotlib")),
    "python": ("https://docs.python.org/3/", compiled_inventory("python")),
    "numpy": ("https://numpy.org/doc/stable/", compiled_inventory("numpy")),
    "torch": ("https://docs.pytorch.org/docs/stable/", compiled_inventory("torch")),
}

Scalar = typing.TypeVar("Scalar")


class NDArray(typing.Generic[Scalar]):
    """Is shown for ``numpy.typing.NDArray``, which evaluates to something four times as long."""

    __module__ = "numpy.typing"


def evaluate_annotations(_app: Sphinx, function: typing.Any, _bound: bool) -> None:  # noqa: ANN401, FBT001 - as called
    """Turns annotations from text into types, which autodoc does not for constructors; leaves out ``-> None``."""
    function = inspect.unwrap(getattr(function, "__func__", function))
    hints = typing.get_type_hints(function, None, {"NDArray": NDArray})
    function.__annotations__ = {name: hint for name, hint in hints.items() if hint is not type(None)}


def break_first_line(_app: Sphinx, what: str, *rest: typing.Any) -> None:  # noqa: ANN401 - Sphinx gives four more
    """Keeps napoleon from taking what stands before a colon in a property's first line for its type."""
    lines = rest[-1]
    if what in {"attribute", "property"} and lines:
        lines[:1] = lines[0].split(maxsplit=1)


def put_parameters_first(_app: Sphinx, _domain: str, _kind: str, content: desc_content) -> None:
    """Sorts the fields of a description: autodoc adds parameters that only a signature names after all others."""
    for fields in content.findall(nodes.field_list):
        fields[:] = sorted(fields, key=lambda field: field[0].astext().startswith("raises "))


def show_one_signature(*modules: str) -> None:
    """Makes autodoc show functions that have overloads as they are called, with every parameter by name."""
    for module in modules:
        analyzer = ModuleAnalyzer.for_module(module)
        analyzer.analyze()
        analyzer.overloads.clear()


def count_exported_names(_app: Sphinx, _env: BuildEnvironment) -> None:
    """Makes the packages' exported names count as defined there: the coverage builder passes over imported ones."""
    for package in (chartok, charlm):
        for name in package.__all__:
            if callable(value := getattr(package, name)):
                value.__module__ = package.__name__


def setup(app: Sphinx) -> None:
    """Registers the hooks above."""
    show_one_signature("charlm.generation.ids", "charlm.lm")
    app.connect("autodoc-before-process-signature", evaluate_annotations)
    app.connect("autodoc-process-docstring", break_first_line, priority=400)
    app.connect("object-description-transform", put_parameters_first, priority=600)
    app.connect("env-updated", count_exported_names)
