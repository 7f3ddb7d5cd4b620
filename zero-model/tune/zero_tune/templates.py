"""What stands around an instruction and its answer, for each kind of base.

A base that saw no conversations has never been trained on the control tokens of its family's chats: their embeddings
are noise, and adapters on the linear layers cannot mend them. Such bases get `plain`, words that every base knows. The
chat templates are those of the bases' own instruction-tuned siblings.

Each template is also a Jinja text. It is saved with the adapter, and both are compared on every dataset (`checks.py`),
so that what was trained is what a server renders.
"""

from dataclasses import dataclass

from zero_tune.errors import TuneError


@dataclass(frozen=True)
class Template:
    """Text before and after the request, before the answer, and what ends it; and the same as Jinja.

    The blank of `lead` belongs to the answer's first token in the vocabularies that need it, so a prompt ends before
    it.
    """

    name: str
    before: str
    after: str
    lead: str = ""
    end: str | None = None
    """The token that ends an answer; `None` is the tokenizer's own end of text."""
    mark: str = ""
    """llama.cpp knows templates by what stands in them. This stands in a comment."""

    def prompt(self, request: str) -> str:
        """Everything up to the answer, but the beginning-of-text token."""
        return self.before + request + self.after

    @property
    def jinja(self) -> str:
        """The template as servers read it: turns of a user and an assistant.

        Rules in a system turn are left out. A tuned model was trained to follow them, and has never seen them.
        """
        comment = "{# " + self.mark + " #}" if self.mark else ""
        end = self.end or "{{ eos_token }}"
        return (
            comment
            + "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
            + f"{self.before}{{{{ message['content'] }}}}{self.after}"
            + f"{{% elif message['role'] == 'assistant' %}}{self.lead}{{{{ message['content'] }}}}{end}"
            + "{% endif %}{% endfor %}"
        )


PLAIN = Template("plain", "### Instruction:\n", "\n### Response:\n", mark="<|EOT|>")
LLAMA2 = Template("llama2", "[INST] ", " [/INST]", lead=" ")
MISTRAL = Template("mistral", "[INST] ", "[/INST]", lead=" ")
LLAMA3 = Template(
    "llama3",
    "<|start_header_id|>user<|end_header_id|>\n\n",
    "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    end="<|eot_id|>",
)

TEMPLATES = {template.name: template for template in (PLAIN, LLAMA2, MISTRAL, LLAMA3)}


def named(name: str) -> Template:
    """The template of that name.

    Raises:
        TuneError: there is none.

    """
    if template := TEMPLATES.get(name):
        return template
    raise TuneError(f"there is no template {name}", code="usage", hint=f"--template {'|'.join(TEMPLATES)}")
