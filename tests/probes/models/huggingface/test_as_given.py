"""Language models as users hold them: pipelines with settings of their own, wrapped networks, pairs."""

from __future__ import annotations

import pytest

from tests.helpers.when_used import when_used

torch = when_used("torch")
transformers = when_used("transformers")

from probes import InputError, as_model  # noqa: E402
from surrogates import explain  # noqa: E402
from tests.helpers.tiny_causal_lm import llama, word_tokenizer  # noqa: E402


def generating(**options):
    tokenizer = word_tokenizer()
    return transformers.pipeline(
        "text-generation", model=llama(len(tokenizer)), tokenizer=tokenizer, do_sample=False, **options
    )


def test_a_generating_pipeline_that_does_more_to_prompts_is_refused():
    class Ended(transformers.TextGenerationPipeline):
        def preprocess(self, prompt, **options):
            return super().preprocess("it rained " + prompt, **options)

    plain = generating()
    patched = generating()
    patched.preprocess = lambda *args, **options: plain.preprocess("it rained " + args[0], *args[1:], **options)
    for pipe, words in (
        (generating(prefix="it rained "), "prefix='it rained '"),
        (Ended(model=plain.model, tokenizer=plain.tokenizer), "a Ended"),
        (patched, "a preprocess of its own"),
    ):
        with pytest.raises(InputError, match=rf"gives the network the prompt as it is.*{words}"):
            as_model(pipe)


def test_a_generating_pipeline_writes_no_more_than_its_own_limit():
    prompt = "the museum opened"
    for limit in (2, 5):
        pipe = generating(max_new_tokens=limit, return_full_text=False)
        written = as_model(pipe).generate(prompt, 64)
        assert written.split() == pipe(prompt)[0]["generated_text"].split()
    short, long = (as_model(generating(max_new_tokens=n)).generation(prompt, 64) for n in (2, 5))
    assert short != long  # kept apart in the store
    assert as_model(generating(max_new_tokens=5)).generation(prompt, 2) == short


def test_a_compiled_or_parallel_network_is_sent_for_the_network_itself():
    tokenizer = word_tokenizer()
    network = llama(len(tokenizer))
    for wrapped in (torch.compile(network), torch.nn.DataParallel(network)):
        words = type(wrapped).__name__
        with pytest.raises(InputError, match=f"model must hold the network itself .*{words}"):
            as_model((wrapped, tokenizer))


def test_a_pair_that_comes_after_its_text_is_in_the_wrong_place():
    tokenizer = word_tokenizer()
    with pytest.raises(InputError, match="model must come first, and the input after it"):
        explain("the museum opened in 1969", (llama(len(tokenizer)), tokenizer), store=None)
