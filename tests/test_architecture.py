"""Arrows between the rooms run down only, and no circle of modules is left: over the imports in the code itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FLOORS = (("kernels",), ("io",), ("engine",))
"""From the ground up: a room imports from itself and from the floors below."""


def module_of(path: Path) -> str:
    """Dotted name below the root: ``io.reader``; that of a package for its ``__init__``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules() -> dict[str, Path]:
    """All modules of the package but the root, which hands on names, and the import paths of the specification."""
    rooms = {top for floor in FLOORS for top in (room.split(".")[0] for room in floor)}
    paths = (path for room in rooms for path in (ROOT / room).rglob("*.py") if "compat" not in path.parts)
    return {module_of(path): path for path in paths}


def imported_by(name: str, path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """Modules of this package that a module imports, wherever in it: also within functions and for types alone."""
    # One dot is the package that the module stands in, which for a package is itself.
    package = ["utokyo", *name.split(".")[: None if path.name == "__init__.py" else -1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= len(package), f"{name}, line {node.lineno}: an import from above the root"
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, node.module] if node.module else base)
            targets = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        else:
            continue
        ours = (target.removeprefix("utokyo.") for target in targets if target.startswith("utokyo."))
        yield from (target for target in ours if target in known and target != name)


def graph() -> dict[str, set[str]]:
    """Which modules each module imports."""
    known = modules()
    return {name: set(imported_by(name, path, known)) for name, path in known.items()}


def floor_of(module: str) -> int:
    """The floor of the room that a module stands in."""
    found = [
        (len(room), floor)
        for floor, rooms in enumerate(FLOORS)
        for room in rooms
        if module == room or module.startswith(f"{room}.")
    ]
    assert found, f"{module} stands in no room: give its room a floor here"
    return max(found)[1]


def circle_in(arrows: Mapping[str, set[str]]) -> list[str]:
    """A circle of modules; empty where there is none."""
    done: set[str] = set()

    def search(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return []
        for target in sorted(arrows[module]):
            if found := search(target, [*way, module]):
                return found
        done.add(module)
        return []

    return next((found for module in sorted(arrows) if (found := search(module, []))), [])


def test_the_graph_is_the_real_one():
    arrows = graph()
    assert len(arrows) > 100
    assert "io.errors" in arrows["io.reader"]
    assert any(target.startswith("kernels.") for target in arrows["io.image"])


def test_arrows_run_down_only():
    upwards = [
        f"{module} -> {target}"
        for module, targets in graph().items()
        for target in targets
        if floor_of(target) > floor_of(module)
    ]
    assert not upwards


def test_circles_are_found():
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert not circle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()})


def test_no_circle_is_left_below_the_engine():
    arrows = graph()
    below = {module for module in arrows if module.split(".")[0] in {"io", "kernels"}}
    assert not circle_in({module: arrows[module] & below for module in below})
