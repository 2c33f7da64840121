"""YAML as plain data in which words stay words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from probes.errors import InputError, require

__all__ = ["read_yaml"]

_TRUTH = "tag:yaml.org,2002:bool"
_LONGEST = 2**22  # bytes of a file; the parser takes some ten seconds for them
_DEEPEST = 40
_MOST = 100_000  # nodes, those that aliases stand for counted each time


def read_yaml(source: str | Path) -> Any:
    """Read a YAML file or text, with `true` and `false` as the only truth values (YAML 1.2).

    YAML 1.1 would turn the levels ``yes`` and ``no`` of a factor into truth values.

    Parameters
    ----------
    source : Path or str
        A file; a string of one line that ends in ``.yaml`` or ``.yml`` is one too, unless a line break follows.

    Raises
    ------
    MissingExtra
        Without the ``yaml`` extra.
    InputError
        For a file that cannot be read, text that is no YAML, and what is longer than 4 MiB, nested more than 40 deep or
        has more than 100,000 nodes, those that aliases stand for included.
    """
    yaml = require("yaml", "TemplateProbe.from_yaml")
    if isinstance(source, Path) or (str(source).endswith((".yaml", ".yml")) and "\n" not in str(source)):
        try:
            with Path(source).open("rb") as file:
                text = file.read(_LONGEST + 1).decode()
        except (OSError, UnicodeDecodeError) as error:
            rule = f"be a readable UTF-8 file ({error}); YAML itself that ends so is given with a line break behind"
            raise InputError("source", rule, str(source)) from error
    else:
        text = source
    if len(text) > _LONGEST:
        raise InputError("source", f"be YAML of at most {_LONGEST:,} bytes", text[:80])
    try:
        return yaml.load(text, _loader(yaml))  # a safe loader: plain data only
    except Exception as error:  # scalars that are not what their tags say raise many kinds
        raise InputError("source", f"be YAML ({' '.join(str(error).split())})", text) from error


def _loader(yaml: Any) -> Any:
    """Make a class of its own for the loader, so that other users of the parser keep their resolvers."""

    class Loader(yaml.SafeLoader):
        depth = nodes = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            """Compose a node within the limits, before anything is made of it."""
            start, self.depth = self.nodes, self.depth + 1
            alias = self.check_event(yaml.AliasEvent)
            node = super().compose_node(parent, index) if self.depth <= _DEEPEST else None
            self.nodes += getattr(node, "nodes", _MOST + 1) if alias else 1  # without a count: within itself
            if node is None or self.nodes > _MOST:
                raise yaml.YAMLError(f"it is nested more than {_DEEPEST} deep, or has more than {_MOST:,} nodes")
            if not alias:
                node.nodes = self.nodes - start
            self.depth -= 1
            return node

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in kinds if tag != _TRUTH]
        for first, kinds in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_implicit_resolver(_TRUTH, re.compile("^(?:true|false)$"), list("tf"))
    return Loader
