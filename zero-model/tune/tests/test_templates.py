"""Templates and tokens: what is trained is what a server sends."""

import pytest

from zero_tune import checks, question, templates, tokenizer
from zero_tune.encode import IGNORED, encode
from zero_tune.errors import TuneError
from zero_tune.templates import TEMPLATES
from zero_tune.vocabulary import Vocabulary
from zero_tune.wat import narrow


@pytest.fixture(params=["byte-level", "byte-fallback"])
def vocabulary(request, tmp_path, harvested) -> Vocabulary:
    texts = [templates.PLAIN.prompt(question.of_record(one)) + narrow(one.output) for one in harvested]
    tokenizer.train(request.param, texts, 512, tmp_path)
    return Vocabulary(tmp_path)


@pytest.mark.parametrize("name", TEMPLATES)
def test_jinja_renders_what_training_saw(name: str, vocabulary, harvested) -> None:
    checks.jinja_agrees(TEMPLATES[name], harvested[0], vocabulary)


@pytest.mark.parametrize("name", ["plain", "llama2", "mistral"])
def test_every_record_survives_template_and_tokenizer(name: str, vocabulary, harvested) -> None:
    examples, misfits = encode(harvested, TEMPLATES[name], vocabulary)
    assert not misfits
    for example in examples:
        answer = [label for label in example.labels if label != IGNORED]
        assert answer[-1] == vocabulary.eos
        assert vocabulary.decode(answer[:-1]).strip() == narrow(example.record.output)
        assert (
            example.ids[: example.answer]
            == vocabulary.bos + vocabulary.encode([TEMPLATES[name].prompt(question.of_record(example.record))])[0]
        )


def test_a_template_whose_tokens_the_base_lacks_is_refused(vocabulary, harvested) -> None:
    with pytest.raises(TuneError, match="no token") as refused:
        encode(harvested, templates.LLAMA3, vocabulary)
    assert "--template plain" in (refused.value.hint or "")


def test_long_records_are_left_out_and_too_many_are_refused(vocabulary, harvested, heard) -> None:
    found = checks.Splits(harvested, harvested[:5], [], "digest")
    kept = checks.sequences(found, templates.PLAIN, vocabulary, 700, heard)
    assert max(len(example.ids) for example in kept.train) <= 700
    assert "left out" in heard.all[0]["text"]
    with pytest.raises(TuneError, match="more than 20 tokens") as refused:
        checks.sequences(found, templates.PLAIN, vocabulary, 20, heard)
    assert "--max-length" in (refused.value.hint or "")


NARROW = {
    "(module (type (;0;) (func))\n)": "(module (type (func)) )",
    '(data "a  b;;c (; x" )': '(data "a  b;;c (; x" )',
    "block ;; label = @1\nbr_if 0 (;@1;)\nend": "block br_if 0 end",
    '"\\"  ;;" \t x': '"\\"  ;;" x',
}


@pytest.mark.parametrize("text", NARROW)
def test_narrow_keeps_strings_and_drops_comments(text: str) -> None:
    assert narrow(text) == NARROW[text]
    assert narrow(narrow(text)) == narrow(text)


def test_an_unknown_template_is_refused_with_the_known_ones() -> None:
    with pytest.raises(TuneError) as refused:
        templates.named("alpaca")
    assert refused.value.code == "usage"
    assert "plain|llama2" in (refused.value.hint or "")
