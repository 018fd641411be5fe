"""Arrows between the rooms run down only, and no circle of modules is left: over the imports in the code itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FLOORS = (
    ("kernels", "engine"),
    ("io",),
    ("engine.options", "engine.camera", "engine.simulate"),
    ("engine.recorders", "engine.fits"),
    ("engine.figures",),
    ("engine.analyses", "engine.join", "engine.run"),
    ("engine.command",),
    ("engine.testing",),
    ("__main__", "testing"),
)
"""From the ground up: a room imports from itself and from the floors below, and knows nothing of those beside it."""


def module_of(path: Path) -> str:
    """Dotted name below the root: ``io.reader``; that of a package for its ``__init__``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules() -> dict[str, Path]:
    """All modules of the package but its root, which hands on names, and the import paths of the specification."""
    tops = {room.split(".")[0] for floor in FLOORS for room in floor}
    paths = [path for top in tops for path in (ROOT / top).rglob("*.py") if "compat" not in path.parts]
    paths += [path for top in tops if (path := ROOT / f"{top}.py").is_file()]
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


@cache
def graph() -> dict[str, set[str]]:
    """Which modules each module imports."""
    known = modules()
    return {name: set(imported_by(name, path, known)) for name, path in known.items()}


def room_of(module: str) -> str:
    """The room that a module stands in: the one with the longest name."""
    rooms = [room for floor in FLOORS for room in floor if module == room or module.startswith(f"{room}.")]
    assert rooms, f"{module} stands in no room: give its room a floor here"
    room = max(rooms, key=len)
    assert room != "engine" or module == "engine", f"{module} stands in no room of engine: give it a floor here"
    return room


def floor_of(room: str) -> int:
    """How high a room lies."""
    return next(floor for floor, rooms in enumerate(FLOORS) if room in rooms)


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
    assert any(target.startswith("kernels.") for target in arrows["io.images.text"])


def test_arrows_run_down_only():
    rooms = {module: room_of(module) for module in graph()}
    wrong = [
        f"{module} -> {target}"
        for module, targets in graph().items()
        for target in targets
        if rooms[target] != rooms[module] and floor_of(rooms[target]) >= floor_of(rooms[module])
    ]
    assert not wrong


def test_circles_are_found():
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert not circle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()})


def test_no_circle_of_modules_is_left():
    assert not circle_in(graph())


def test_packages_import_nothing():
    """But the face of the fits of bursts, which hands on what users call by that path."""
    importing = {name for name, path in modules().items() if path.name == "__init__.py" and graph()[name]}
    assert importing <= {"engine.fits.bursts"}


def test_there_are_few_rooms_and_floors():
    assert sum(map(len, FLOORS)) <= 20
    assert len(FLOORS) <= 9
