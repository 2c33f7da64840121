"""First contact with networks: they answer as the pipeline, or as one plain forward of one sequence, or are refused."""

import re

import numpy as np
import pytest

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")

from probes import CausalLM, ModelError, Store, TextClassifier, TextProbe, as_model, ask, sample  # noqa: E402
from probes.models.huggingface.continuation import Continuation  # noqa: E402
from surrogates import explain  # noqa: E402
from tests.probes.models.huggingface.test_classifier import bert, one_by_one, word_tokenizer  # noqa: E402

LONG = "good film good film not bad at all so bad so bad the film was bad bad bad bad"


@pytest.fixture(scope="module")
def words():
    return word_tokenizer()


def numbers(error):
    return [float(x.rstrip(".")) for x in re.findall(r"(?:gives|itself) (-?[\d.e-]+)", str(error.value))]


def cut(tokenizer):
    return transformers.pipeline(
        "text-classification", model=bert(), tokenizer=tokenizer, truncation=True, max_length=6
    )


def test_an_adapter_that_ignores_a_pipelines_setting_is_refused_with_both_numbers(words):
    pipeline, store = cut(words), Store()
    model = as_model(pipeline)
    model.reader.encoding = {}
    with pytest.raises(ModelError, match="does not answer as the object") as error:
        explain(model, TextProbe(LONG), budget=40, store=store)
    wrong, right = numbers(error)
    assert abs(wrong - right) > 1e-3 and len(store) == 0
    assert explain(pipeline, TextProbe(LONG), budget=40, store=store).answers.cost.checks == 8


class Padded(TextClassifier):
    """Rows shorter than the longest of their batch answer something else."""

    def __call__(self, inputs):
        lengths = self.sizes(inputs)
        return super().__call__(inputs) + (lengths.max() - lengths)[:, None]


def test_a_network_whose_answers_depend_on_padding_is_asked_one_text_at_a_time(words):
    model, probe = Padded(bert(), words), TextProbe("the film was not so good")
    design = sample(probe.features, 20, np.random.default_rng(0))
    answers = ask(model, probe, design, Store())
    np.testing.assert_allclose(answers.y, one_by_one(bert(), words, probe.render(design.Z)), atol=1e-5)
    assert "depend on what else is in a batch" in answers.neighbours


class Sharpened(Continuation):
    """Log-probabilities a tenth too large."""

    def answers(self, inputs):
        for where, values in super().answers(inputs):
            yield where, np.asarray(values) * 1.1


def test_log_probabilities_that_are_not_those_of_a_plain_forward_are_refused(network, tokenizer):
    lm = CausalLM(network, tokenizer)
    right = lm.scoring("1969", "the museum opened in")
    wrong = Sharpened(lm, "1969", right.answer_ids)
    probe = TextProbe("the museum opened in 1969 .")
    design = sample(probe.features, 20, np.random.default_rng(0))
    with pytest.raises(ModelError, match="does not answer as the object") as error:
        ask(wrong, probe, design, Store())
    np.testing.assert_allclose(*numbers(error), rtol=0.11)
    assert numbers(error)[0] == pytest.approx(1.1 * numbers(error)[1], rel=1e-4)


def test_another_answer_is_no_first_contact(network, tokenizer):
    lm, store = CausalLM(network, tokenizer), Store()
    probe = TextProbe("the museum opened in 1969 .")
    checks = [
        explain(lm, probe, answer=answer, budget=40, store=store).answers.cost.checks
        for answer in ("it rained", "paris is free")
    ]
    assert checks == [8, 0]
