"""The package as a whole: what it exports, what an import costs, what is documented."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections import Counter
from importlib.resources import files
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

import customer_value as cv

ROOT = Path(__file__).parents[1]
STUB = Path(inspect.getfile(cv)).with_suffix(".pyi")


def homes() -> dict[str, str]:
    """Map each name of the stub `customer_value/__init__.pyi` to the module it comes from."""
    tree = ast.parse(STUB.read_text(encoding="utf-8"))
    return {
        alias.asname or alias.name: f"customer_value.{node.module}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
        if not alias.name.startswith("_")
    }


def rooms() -> dict[str, Any]:
    """Map each public package and module to itself, imported."""
    tree = ast.parse(STUB.read_text(encoding="utf-8"))
    return {
        alias.name: importlib.import_module(f"customer_value.{alias.name}")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and not node.module
        for alias in node.names
    }


def public(room: str) -> list[str]:
    """List the public names of a room: its `__all__`, or what a module defines itself."""
    module = ROOMS[room]
    own = [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and getattr(thing, "__module__", "") == module.__name__
    ]
    return list(getattr(module, "__all__", own))


HOMES = homes()
ROOMS = rooms()
NAMES = [f"{room}.{name}" for room in ROOMS for name in public(room)]
FUNCTIONS = [name for name in NAMES if inspect.isfunction(attrgetter(name)(cv))]
CLASSES = [name for name in NAMES if inspect.isclass(attrgetter(name)(cv))]


def documented() -> set[str]:
    """Collect the modules and names that stand after a `:::` in docs/reference."""
    pages = (ROOT / "docs" / "reference").glob("*.md")
    return {
        identifier
        for page in pages
        for identifier in re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    }


@pytest.mark.parametrize("name", NAMES)
def test_public_name_is_in_the_reference(name: str) -> None:
    room = name.partition(".")[0]
    by_itself = {f"customer_value.{name}", f"customer_value.{name.rpartition('.')[2]}"}
    assert documented() & {f"customer_value.{room}", *by_itself}


def test_the_reference_names_only_what_is_there() -> None:
    for identifier in documented():
        path = identifier.partition(".")[2]
        assert attrgetter(path)(cv) is not None


def test_root_names_are_listed_once_and_are_those_of_their_room() -> None:
    assert sorted(cv.__all__) == sorted(set(cv.__all__))
    assert {name for name in cv.__all__ if not name.startswith("_")} == {*HOMES, *ROOMS}
    for name, home in HOMES.items():
        assert name in dir(cv)
        assert getattr(cv, name) is getattr(importlib.import_module(home), name)
        assert name in public(home.split(".")[1])


def test_a_name_has_one_room() -> None:
    """And a room lists each name once."""
    short = Counter(name.rpartition(".")[2] for name in NAMES)
    assert [name for name, times in short.items() if times > 1] == []
    assert not set(short) & set(ROOMS)


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
    doc = inspect.getdoc(attrgetter(name)(cv)) or ""
    assert re.search(r"^Examples:\n+ +>>> ", doc, re.MULTILINE)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_takes_at_most_two_positional_arguments(name: str) -> None:
    parameters = inspect.signature(attrgetter(name)(cv)).parameters.values()
    positional = [p for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    assert len(positional) <= 2
    assert all(p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for p in positional)


@pytest.mark.parametrize("name", CLASSES)
def test_class_has_a_docstring_of_its_own(name: str) -> None:
    cls: Any = attrgetter(name)(cv)
    assert cls.__dict__.get("__doc__")
