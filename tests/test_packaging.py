"""The package as a whole: what it exports, what an import costs, what is documented."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import customer_value as cv

ROOT = Path(__file__).parents[1]
PUBLIC = sorted(name for name in cv.__all__ if not name.startswith("_"))
FUNCTIONS = [name for name in PUBLIC if inspect.isfunction(getattr(cv, name))]
CLASSES = [name for name in PUBLIC if inspect.isclass(getattr(cv, name))]


def homes() -> dict[str, str]:
    """Map each name that `customer_value/__init__.py` imports to the module it comes from."""
    tree = ast.parse(Path(inspect.getfile(cv)).read_text(encoding="utf-8"))
    return {
        alias.asname or alias.name: f"customer_value.{node.module}" if node.level else node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def documented() -> set[str]:
    """Collect the modules and names that stand after a `:::` in docs/reference."""
    pages = (ROOT / "docs" / "reference").glob("*.md")
    return {
        identifier
        for page in pages
        for identifier in re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    }


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_is_in_the_reference(name: str) -> None:
    home = homes()[name]
    exported = getattr(importlib.import_module(home), "__all__", [name])
    by_itself = documented() & {f"customer_value.{name}", f"{home}.{name}"}
    assert by_itself or (home in documented() and name in exported)


def test_public_names_are_unique_listed_and_resolve_to_their_home() -> None:
    assert len(set(cv.__all__)) == len(cv.__all__)
    for name in PUBLIC:
        assert getattr(cv, name) is getattr(importlib.import_module(homes()[name]), name)
        assert name in dir(cv)


def test_unknown_name_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = cv.no_such_name  # type: ignore[attr-defined]


def test_every_page_is_in_the_navigation_and_exists() -> None:
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    navigation = config.partition("\nnav:\n")[2].partition("\n\n")[0]
    listed = re.findall(r"(\S+\.md)\s*$", navigation, re.MULTILINE)
    docs = ROOT / "docs"
    assert sorted(listed) == sorted(p.relative_to(docs).as_posix() for p in docs.rglob("*.md"))


def test_import_loads_no_heavy_package() -> None:
    code = "import sys, customer_value; print(*sys.modules)"
    loaded = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "customer_value" in loaded
    assert not {"numba", "scipy", "polars", "pandas", "pyarrow"}.intersection(loaded)


def test_package_is_marked_as_typed() -> None:
    assert files("customer_value").joinpath("py.typed").is_file()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_has_a_docstring_with_an_example(name: str) -> None:
    doc = inspect.getdoc(getattr(cv, name)) or ""
    assert re.search(r"^Examples:\n+ +>>> ", doc, re.MULTILINE)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_takes_at_most_two_positional_arguments(name: str) -> None:
    parameters = inspect.signature(getattr(cv, name)).parameters.values()
    positional = [p for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    assert len(positional) <= 2
    assert all(p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for p in positional)


@pytest.mark.parametrize("name", CLASSES)
def test_class_has_a_docstring_of_its_own(name: str) -> None:
    cls: Any = getattr(cv, name)
    assert cls.__dict__.get("__doc__")
