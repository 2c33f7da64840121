"""Parts of a language model's answer: their warnings are their own."""

import numpy as np
import pytest

from probes import Generator, InputError, MaskProbe, Model, Target, TextProbe
from probes.model import Identity
from surrogates import Certified, Explanation, Link, SparseLinear, Width, explain
from surrogates.judging.notes import cautions

WORDS = "a1 b2 c3 d4 e5 f6 g7 h8 i9 j0 k1 l2"


class Scores(Model):
    """Log-probs of three tokens: the first all but adds up, the second needs every word, the third never changes."""

    unit = "nats"

    def __init__(self, jitter):
        self.jitter, self.rng, self.steady = jitter, np.random.default_rng(0), jitter == 0
        self.outputs = (" sum", " all", " same")

    def identity(self):
        return Identity(f"scores {self.jitter}", True)

    def __call__(self, texts):
        there = np.array([[word in text.split() for word in WORDS.split()] for text in texts], dtype=float)
        weights = np.r_[-2.0, 1.0, np.zeros(there.shape[1] - 2)]
        noise = self.jitter * self.rng.standard_normal(len(texts))
        return np.column_stack(
            [
                there @ weights + there[:, 2] * there[:, 3] - 3 + noise,
                9.0 * there.all(axis=1) - 12,
                np.full(len(texts), -1.0),
            ]
        )


class Writer(Generator):
    def __init__(self, jitter=0.0):
        self.jitter, self.steady = jitter, jitter == 0

    def identity(self):
        return Identity(f"writer {self.jitter}", True)

    def generate(self, prompt, max_new_tokens):
        return " sum all same"

    def scoring(self, answer, prompt):
        return Scores(self.jitter)


def explained(writer=None, **options):
    return explain(writer or Writer(), TextProbe(WORDS), budget=300, store=None, **options)


@pytest.fixture(scope="module")
def ex():
    return explained()


def test_a_span_is_warned_of_what_is_odd_about_it_and_of_nothing_else(ex):
    missed = [w for w in ex.warnings if "For this input the model says" in w]
    assert len(missed) == 1 and "mean token log-prob" in missed[0]
    assert ex.attribute("sum").warnings == ()
    (warning,) = ex.attribute("all").warnings
    assert warning.startswith("For this input the model says −3 (all)")
    assert ex.attribute("same").warnings == ("The model's answer never changed.",)
    read = Explanation.from_json(ex.to_json())
    for span in ("sum", "all", "same"):
        assert read.attribute(span).warnings == ex.attribute(span).warnings
    assert ex.attribute("sum").attribute("all").warnings == (warning,)


def test_the_whole_answer_as_a_span_keeps_its_warnings(ex):
    assert [w[:30] for w in ex.attribute(ex.answer).warnings] == [w[:30] for w in ex.warnings]


def test_cautions_are_worded_as_an_explanation_words_them(ex):
    assert set(cautions(ex.y, ex.fidelity)) <= set(ex.warnings)
    still = explain(lambda Z: np.ones(len(Z)), MaskProbe(12), store=None)
    assert cautions(still.y, still.fidelity) == ("The model's answer never changed.",) and set(still.warnings) >= {
        "The model's answer never changed."
    }


def test_rules_to_stop_were_about_the_whole_answer_and_a_short_sample_is_about_both():
    for until, words in ((Certified(0.999), "could not be certified"), (Width(1e-9), "before the rule to stop")):
        ex = explained(until=until)
        assert any(words in w for w in ex.warnings)
        assert not any(words in w for w in ex.attribute("sum").warnings)
    few = explain(Writer(), TextProbe(WORDS), budget=25, store=None)
    warned = [w for w in few.warnings if "is few" in w]
    assert len(warned) == 1 and warned[0] in few.attribute("sum").warnings


def test_what_is_said_of_a_curve_is_about_the_span():
    ex = explained(family=SparseLinear(link=Link("logistic", -8.0, -4.0)))
    part = ex.attribute("sum")
    for name, some in (
        ("mean token log-prob", ex),
        ("sum", part),
        (ex.answer, part.attribute(ex.answer)),
    ):
        (warning,) = [w for w in some.warnings if "beyond the bounds" in w]
        assert f"answers of {name} lie" in warning


def test_noise_is_told_without_the_whole_answers_ceiling():
    ex = explained(Writer(0.5))
    assert any("an R² of about" in w for w in ex.warnings)
    warned = [w for w in ex.attribute("all").warnings if "differently each time" in w]
    assert warned == [
        "The model answers the same question differently each time; how much of that is in this part is not known."
    ]


def test_several_spans_are_outputs_each_as_it_is_alone(ex):
    several = ex.attribute(["sum", (5, 8), "same"])
    assert several.target.outputs == ("sum", "all", "same")
    for j, name in enumerate(several.target.outputs):
        alone = ex.attribute(name)
        np.testing.assert_allclose(several.y[:, [j]], alone.y)
        mine = several.attributions[several.attributions["output"] == name].reset_index(drop=True)
        np.testing.assert_allclose(mine["attribution"], alone.attributions["attribution"], atol=1e-9)
    two = ex.attribute([" sum all", "same"])  # of two tokens and of one
    np.testing.assert_allclose(two.y, np.column_stack([ex.answers.y[:, :2].mean(axis=1), ex.answers.y[:, 2]]))
    assert ex.attribute(["sum"]).target.outputs == ("sum",)
    assert ex.attribute([1, 4]).target == ex.attribute((1, 4)).target  # one range


def test_several_spans_are_kept_in_files(ex, tmp_path):
    several = ex.attribute([" sum all", "same"])
    back = Explanation.from_json(several.to_json())
    assert back.target == several.target
    np.testing.assert_allclose(back.target(back.answers.y), several.y)
    assert "same" in back.report(tmp_path / "r.html").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="sizes"):
        Explanation.from_json(several.to_json().replace('"sizes": [2, 1]', '"sizes": [3, 1]'))


@pytest.mark.parametrize(
    "span", [[], ["sum", "sum"], ["sum", "no"], 5, None, ["sum", 3], (1.0, 3.0), (True, 3), "", {}]
)
def test_a_span_that_is_none_is_refused_by_name(ex, span):
    with pytest.raises(InputError, match=r"^span must"):
        ex.attribute(span)


def test_keys_of_stored_explanations_hold_targets_as_they_were():
    assert repr(Target("mean", (0, 1), ("answer",), "nats")) == (
        "Target(kind='mean', columns=(0, 1), outputs=('answer',), unit='nats')"
    )
    shapes = [Target("mean", (0, 1, 2), ("a", "b"), "nats", sizes=sizes) for sizes in ((1, 2), (2, 1))]
    assert repr(shapes[0]) != repr(shapes[1])
