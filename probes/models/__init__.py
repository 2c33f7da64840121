"""The kinds of model: one file each, tried in this order by :func:`probes.as_model`.

Every file offers ``adopt(model, name, batched) -> Model | Generator | None`` and recognises its kind by type. None of
them imports torch or transformers before an object of theirs has been passed in.
"""

from probes.models import callable, causal_lm, classifier, estimator

ADAPTERS = (estimator, classifier, causal_lm, callable)

__all__ = ["ADAPTERS"]
