"""Records to token numbers, with labels on the answer only."""

from dataclasses import dataclass

from zero_tune import question
from zero_tune.records import Record
from zero_tune.templates import Template
from zero_tune.vocabulary import Vocabulary
from zero_tune.wat import narrow

# What the loss passes over, by PyTorch's convention.
IGNORED = -100


@dataclass(frozen=True)
class Example:
    """One sequence to train on. The first `answer` tokens are the prompt's."""

    record: Record
    ids: list[int]
    answer: int

    @property
    def labels(self) -> list[int]:
        """The tokens that the loss counts."""
        return [IGNORED] * self.answer + self.ids[self.answer :]


@dataclass(frozen=True)
class Misfit:
    """A record that this tokenizer and template cannot carry, and why."""

    record: Record
    why: str


def encode(records: list[Record], template: Template, vocabulary: Vocabulary) -> tuple[list[Example], list[Misfit]]:
    """Encodes each record as a server would see it: the prompt's tokens first, as they are without an answer.

    A record does not fit if its answer's first token would swallow the end of the prompt (the model would never be
    asked to go on from where a server stops), or if its text does not come back from its tokens.
    """
    end = vocabulary.id(template.end) if template.end else vocabulary.eos
    prompts = [template.prompt(question.of_record(record)) for record in records]
    whole = [prompt + template.lead + narrow(record.output) for prompt, record in zip(prompts, records, strict=True)]
    examples, misfits = [], []
    sequences = zip(records, whole, vocabulary.encode(prompts), vocabulary.encode(whole), strict=True)
    for record, text, prompt, ids in sequences:
        if ids[: len(prompt)] != prompt:
            misfits.append(Misfit(record, "the answer's first token begins inside of the prompt"))
        elif vocabulary.decode(ids).lstrip(" ") != text.lstrip(" "):
            misfits.append(Misfit(record, "its text does not come back from its tokens"))
        else:
            examples.append(Example(record, [*vocabulary.bos, *ids, end], len(vocabulary.bos) + len(prompt)))
    return examples, misfits
