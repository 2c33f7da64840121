"""Draw docs/rooms.svg: the rooms of the house, and which of them imports which, as the code stands.

    python docs/draw_rooms.py            # writes docs/rooms.svg
    python docs/draw_rooms.py --check    # exits with 1 if the file is out of date

The rooms and their order are those of ``tests/architecture/test_import_order.py``; what a room is for is the first
sentence of its docstring. An arrow goes from a room to one that it imports. Arrows that follow from others (a imports
c, where a imports b and b imports c) are left out, so the picture is the transitive reduction. A dashed arrow goes
upwards: the one late import by which a result loads what draws it.
"""

from __future__ import annotations

import ast
import re
import sys
from html import escape
from itertools import pairwise
from math import fsum
from pathlib import Path
from textwrap import wrap

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "rooms.svg"
ORDER_TEST = ROOT / "tests" / "architecture" / "test_import_order.py"
PACKAGES = ("probes", "surrogates")

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 232, 66, 26, 40, 24
COLOURS = {"probes": ("#e8f1fb", "#2f6db5"), "surrogates": ("#fdf1e3", "#b8701b")}

Graph = dict[str, set[str]]


def order() -> tuple[str, ...]:
    """Read the rooms from low to high out of the test of the import order."""
    for node in ast.parse(ORDER_TEST.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "ORDER":
            return tuple(ast.literal_eval(node.value))
    raise LookupError(f"no ORDER in {ORDER_TEST}")


def modules() -> dict[str, Path]:
    """Map dotted names to files, a package under the name of its folder."""
    paths = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return paths


def imported(path: Path, known: dict[str, Path]) -> set[str]:
    """List the modules of the two packages that a file imports, late imports included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            full = {f"{node.module}.{alias.name}": node.module for alias in node.names}
            names |= {name if name in known else module for name, module in full.items()}
    return names & set(known)


def room_of(module: str, rooms: tuple[str, ...]) -> str:
    """Return the longest room name that a module's name begins with."""
    inside = [r for r in rooms if module == r or (r not in PACKAGES and module.startswith(f"{r}."))]
    return max(inside, key=len)


def room_graph() -> Graph:
    """Map each room to the rooms it imports; the two top packages, which only re-export, are left out."""
    rooms, known = order(), modules()
    graph: Graph = {}
    for module, path in known.items():
        room = room_of(module, rooms)
        graph.setdefault(room, set()).update(room_of(name, rooms) for name in imported(path, known))
    return {a: {b for b in graph[a] if b != a and b not in PACKAGES} for a in rooms if a in graph and a not in PACKAGES}


def split(graph: Graph) -> tuple[Graph, list[tuple[str, str]]]:
    """Split imports into those that go down, reduced to what does not follow from others, and those that go up."""
    rank = {room: i for i, room in enumerate(order())}
    down = {a: {b for b in targets if rank[b] < rank[a]} for a, targets in graph.items()}
    below: Graph = {}
    for a in sorted(graph, key=rank.__getitem__):
        below[a] = set(down[a]).union(*(below[b] for b in down[a]))
    reduced = {a: {b for b in bs if not any(b in below[c] for c in bs)} for a, bs in down.items()}
    up = sorted((a, b) for a, targets in graph.items() for b in targets if rank[b] > rank[a])
    return reduced, up


def layered(down: Graph) -> tuple[list[list[str]], Graph]:
    """Put each room one layer above the highest that it imports; long arrows get a waypoint in each layer they pass."""
    rank = {room: i for i, room in enumerate(order())}
    level: dict[str, int] = {}
    for a in sorted(down, key=rank.__getitem__):
        level[a] = 1 + max((level[b] for b in down[a]), default=-1)
    layers: list[list[str]] = [[] for _ in range(max(level.values()) + 1)]
    for a in sorted(down, key=rank.__getitem__):
        layers[level[a]].append(a)
    links: Graph = {a: set() for a in down}
    for a in down:
        for b in sorted(down[a]):
            upper = a
            for k in range(level[a] - 1, level[b], -1):
                point = f"{a}>{b}>{k}"
                layers[k].append(point)
                links[upper].add(point)
                links[point] = set()
                upper = point
            links[upper].add(b)
    return layers, links


def crossings(layers: list[list[str]], links: Graph) -> int:
    """Count the pairs of arrows that cross."""
    count = 0
    for low, high in pairwise(layers):
        place = {n: i for i, n in enumerate(low)}
        ends = [(i, place[b]) for i, a in enumerate(high) for b in links[a]]
        count += sum((p[0] - q[0]) * (p[1] - q[1]) < 0 for i, p in enumerate(ends) for q in ends[:i])
    return count


def arranged(layers: list[list[str]], links: Graph) -> list[list[str]]:
    """Order each layer by the mean place of its neighbours, up and down in turns; keep the order that crosses least."""
    above: Graph = {n: set() for n in links}
    for a, targets in links.items():
        for b in targets:
            above[b].add(a)
    best, least = [list(layer) for layer in layers], crossings(layers, links)
    for turn in range(24):
        climbing = turn % 2 == 0
        near = links if climbing else above
        sequence = range(1, len(layers)) if climbing else range(len(layers) - 2, -1, -1)
        for k in sequence:
            beside = layers[k - 1] if climbing else layers[k + 1]
            place = {n: i / max(1, len(beside) - 1) for i, n in enumerate(beside)}
            now = {n: i / max(1, len(layers[k]) - 1) for i, n in enumerate(layers[k])}
            mean = {n: fsum(place[m] for m in near[n]) / len(near[n]) if near[n] else now[n] for n in layers[k]}
            layers[k] = sorted(layers[k], key=lambda n: (round(mean[n], 9), now[n]))
        if crossings(layers, links) < least:
            best, least = [list(layer) for layer in layers], crossings(layers, links)
    return best


def placed(layers: list[list[str]], links: Graph) -> dict[str, tuple[float, float]]:
    """Give every room and waypoint the middle of its place, near the middle of its neighbours, none overlapping."""
    size = {n: 18.0 if ">" in n else float(WIDTH) for layer in layers for n in layer}
    near: Graph = {n: set(targets) for n, targets in links.items()}
    for a, targets in links.items():
        for b in targets:
            near[b].add(a)
    x: dict[str, float] = {}
    for layer in layers:
        left = 0.0
        for n in layer:
            x[n] = left + size[n] / 2
            left += size[n] + GAP_X
    for _ in range(200):
        for layer in layers:
            wanted = {n: fsum(x[m] for m in near[n]) / len(near[n]) if near[n] else x[n] for n in layer}
            apart = [(size[a] + size[b]) / 2 + GAP_X for a, b in pairwise(layer)]
            forward, backward = [wanted[n] for n in layer], [wanted[n] for n in layer]
            for i, gap in enumerate(apart, 1):
                forward[i] = max(forward[i], forward[i - 1] + gap)
            for i, gap in reversed(list(enumerate(apart, 1))):
                backward[i - 1] = min(backward[i - 1], backward[i] - gap)
            for n, a, b in zip(layer, forward, backward, strict=True):
                x[n] = (a + b) / 2
    left = min(x[n] - size[n] / 2 for n in x)
    top = len(layers) - 1
    return {
        n: (x[n] - left + MARGIN, MARGIN + (top - k) * (HEIGHT + GAP_Y) + HEIGHT / 2)
        for k, layer in enumerate(layers)
        for n in layer
    }


def purpose(room: str) -> str:
    """Return the first sentence of a room's docstring, and the second where the first is a question, as plain text."""
    text = ast.get_docstring(ast.parse(modules()[room].read_text(encoding="utf-8"))) or ""
    sentences = re.split(r"(?<=[.?!])\s", " ".join(text.split("\n\n")[0].split()))
    shown = " ".join(sentences[: 2 if sentences[0].endswith("?") else 1])
    return re.sub(r"`+|:\w+:", "", shown).removesuffix(".")


def box(room: str, x: float, y: float) -> str:
    """Draw one room: its name and what it is for."""
    package, _, name = room.partition(".")
    fill, stroke = COLOURS[package]
    folder = modules()[room].name == "__init__.py"
    label = name.replace(".", "/") + ("/" if folder else ".py")
    lines = wrap(purpose(room), 39)
    lines = lines if len(lines) <= 3 else [*lines[:2], lines[2] + " …"]
    text = "".join(
        f'<text x="{x:.1f}" y="{y - 2 + 13 * i:.1f}" class="why">{escape(line)}</text>' for i, line in enumerate(lines)
    )
    return (
        f'<rect x="{x - WIDTH / 2:.1f}" y="{y - HEIGHT / 2:.1f}" width="{WIDTH}" height="{HEIGHT}" rx="6" '
        f'fill="{fill}" stroke="{stroke}"/>'
        f'<text x="{x:.1f}" y="{y - HEIGHT / 2 + 17:.1f}" class="name">'
        f'<tspan fill="{stroke}">{package}/</tspan>{escape(label)}</text>{text}'
    )


def arrow(points: list[tuple[float, float]]) -> str:
    """Draw a smooth line through waypoints; the first and last are the middles of boxes."""
    path = [(points[0][0], points[0][1] + HEIGHT / 2)]
    for x, y in points[1:-1]:
        path += [(x, y - HEIGHT / 2), (x, y + HEIGHT / 2)]
    path.append((points[-1][0], points[-1][1] - HEIGHT / 2 - 3))
    drawn = f"M {path[0][0]:.1f} {path[0][1]:.1f}"
    for (x0, y0), (x1, y1) in pairwise(path):
        middle = (y0 + y1) / 2
        drawn += f" C {x0:.1f} {middle:.1f}, {x1:.1f} {middle:.1f}, {x1:.1f} {y1:.1f}"
    return f'<path d="{drawn}" class="arrow" marker-end="url(#tip)"/>'


def picture() -> str:
    """Draw the picture as SVG text."""
    down, up = split(room_graph())
    layers, links = layered(down)
    layers = arranged(layers, links)
    middle = placed(layers, links)
    lines = []
    for a in down:
        for b in sorted(down[a]):
            points = [n for n in middle if n.startswith(f"{a}>{b}>")]
            points.sort(key=lambda n: middle[n][1])
            lines.append(arrow([middle[a], *(middle[n] for n in points), middle[b]]))
    for a, b in up:
        (x0, y0), (x1, y1) = middle[a], middle[b]
        lines.append(
            f'<path d="M {x0:.1f} {y0 - HEIGHT / 2:.1f} L {x1:.1f} {y1 + HEIGHT / 2 + 3:.1f}" class="late" '
            'marker-end="url(#tip)"/>'
        )
    boxes = [box(room, *middle[room]) for room in down]
    width = max(x for x, _ in middle.values()) + WIDTH / 2 + MARGIN
    height = max(y for _, y in middle.values()) + HEIGHT / 2 + MARGIN + 20
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
            f'height="{height:.0f}" font-family="Helvetica, Arial, sans-serif">',
            "<title>Rooms of iomap and their imports</title>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0 L8 4 L0 8 z" fill="#666"/></marker></defs>',
            "<style>.name{font-size:14px;font-weight:600;fill:#222;text-anchor:middle}"
            ".why{font-size:10.5px;fill:#444;text-anchor:middle}"
            ".arrow{fill:none;stroke:#888;stroke-width:1.2}"
            ".late{fill:none;stroke:#b23;stroke-width:1.2;stroke-dasharray:5 4}</style>",
            f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
            *lines,
            *boxes,
            f'<text x="{width / 2:.1f}" y="{height - 14:.1f}" class="why">An arrow goes from a room to one that it '
            "imports; arrows that follow from others are left out. Dashed: loaded when a result is first drawn.</text>",
            "</svg>",
            "",
        ]
    )


def main(arguments: list[str]) -> int:
    """Write the picture, or compare it with the file."""
    drawn = picture()
    if "--check" in arguments:
        same = PICTURE.exists() and PICTURE.read_text(encoding="utf-8") == drawn
        if not same:
            sys.stderr.write("docs/rooms.svg is out of date: run python docs/draw_rooms.py\n")
        return int(not same)
    PICTURE.write_text(drawn, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
