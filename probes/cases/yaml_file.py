"""YAML as plain data in which words stay words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from probes.errors import InputError, require

__all__ = ["read_yaml"]

_TRUTH = "tag:yaml.org,2002:bool"


def read_yaml(source: str | Path) -> Any:
    """Read a YAML file or text, with `true` and `false` as the only truth values (YAML 1.2).

    YAML 1.1 would turn the levels ``yes`` and ``no`` of a factor into truth values.

    Parameters
    ----------
    source : Path or str
        A file; a string of one line that ends in ``.yaml`` or ``.yml`` is one too.

    Raises
    ------
    MissingExtra
        Without the ``yaml`` extra.
    InputError
        For a file that cannot be read, or text that is no YAML.
    """
    yaml = require("yaml", "TemplateProbe.from_yaml")
    if isinstance(source, Path) or (str(source).endswith((".yaml", ".yml")) and "\n" not in str(source)):
        try:
            text = Path(source).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError("source", f"be a readable UTF-8 file ({error})", str(source)) from error
    else:
        text = source

    resolvers = {
        first: [(tag, pattern) for tag, pattern in kinds if tag != _TRUTH]
        for first, kinds in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    # a new class, so that other users of the parser keep their resolvers
    Loader: Any = type("Loader", (yaml.SafeLoader,), {"yaml_implicit_resolvers": resolvers})
    Loader.add_implicit_resolver(_TRUTH, re.compile("^(?:true|false)$"), list("tf"))
    try:
        return yaml.load(text, Loader)  # a safe loader: plain data only
    except yaml.YAMLError as error:
        raise InputError("source", f"be YAML ({' '.join(str(error).split())})", text) from error
