//! The chat template that comes with a model: a Jinja text, rendered as the tools that models are published with do.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, Value, context};
use minijinja_contrib::pycompat::unknown_method_callback;

use super::super::plain::role;
use super::error::GgufError;
use crate::model::{Message, Role};

/// Steps that a template may take: it comes out of a file.
const FUEL: u64 = 1_000_000;
const NAME: &str = "chat_template";

/// A template, and the special tokens that it may name.
#[derive(Debug)]
pub(super) struct Template {
    jinja: Environment<'static>,
    begin: String,
    end: String,
}

impl Template {
    pub(super) fn new(source: String, begin: String, end: String) -> Result<Self, GgufError> {
        let mut jinja = Environment::new();
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .map_err(|error| failure(&error))?;
        jinja.set_syntax(syntax);
        jinja.set_fuel(Some(FUEL));
        jinja.set_unknown_method_callback(unknown_method_callback);
        jinja.add_function("raise_exception", |text: String| -> Result<Value, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, text))
        });
        jinja
            .add_template_owned(NAME, source)
            .map_err(|error| failure(&error))?;
        Ok(Self { jinja, begin, end })
    }

    /// The conversation as a text that the model goes on with.
    pub(super) fn render(&self, conversation: &[Message]) -> Result<String, GgufError> {
        // Some models know no rules: their templates refuse them, and they are told with the first request.
        self.try_render(conversation).or_else(|error| {
            let folded = folded(conversation).ok_or(error)?;
            self.try_render(&folded)
        })
    }

    fn try_render(&self, conversation: &[Message]) -> Result<String, GgufError> {
        let messages: Vec<Value> = conversation
            .iter()
            .map(
                |message| context! { role => role(message.role), content => message.text.as_str() },
            )
            .collect();
        let values = context! {
            messages => messages,
            add_generation_prompt => true,
            bos_token => self.begin.as_str(),
            eos_token => self.end.as_str(),
        };
        self.jinja
            .get_template(NAME)
            .and_then(|template| template.render(values))
            .map_err(|error| failure(&error))
    }
}

/// The conversation with its rules as a part of the first request, if it begins with rules.
fn folded(conversation: &[Message]) -> Option<Vec<Message>> {
    let [rules, request, rest @ ..] = conversation else {
        return None;
    };
    if (rules.role, request.role) != (Role::System, Role::User) {
        return None;
    }
    let first = Message {
        role: Role::User,
        text: format!("{}\n\n{}", rules.text, request.text),
    };
    Some(std::iter::once(first).chain(rest.iter().cloned()).collect())
}

fn failure(error: &Error) -> GgufError {
    let line = error.to_string();
    GgufError::Template(line.chars().filter(|c| !c.is_control()).take(300).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation() -> Vec<Message> {
        let message = |role, text: &str| Message {
            role,
            text: text.to_owned(),
        };
        vec![
            message(Role::System, "Rules."),
            message(Role::User, "Add."),
            message(Role::Assistant, " (module) "),
            message(Role::User, "Negate."),
        ]
    }

    fn render(source: &str) -> Result<String, GgufError> {
        Template::new(source.to_owned(), "<s>".to_owned(), "</s>".to_owned())?
            .render(&conversation())
    }

    #[test]
    fn roles_and_special_tokens_are_those_of_the_model() {
        let chatml = "{%- for message in messages %}\n{{- '<|im_start|>' + message['role'] + '\\n' + message.content.strip() + '<|im_end|>\\n' }}\n{%- endfor %}\n{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}";
        let text = render(chatml).expect("it renders");
        assert_eq!(
            text,
            "<|im_start|>system\nRules.<|im_end|>\n<|im_start|>user\nAdd.<|im_end|>\n\
             <|im_start|>assistant\n(module)<|im_end|>\n<|im_start|>user\nNegate.<|im_end|>\n<|im_start|>assistant\n"
        );
    }

    #[test]
    fn a_model_without_rules_is_told_them_with_the_first_request() {
        let strict = "{{ bos_token }}{% for message in messages %}{% if message.role == 'system' %}{{ raise_exception('no rules') }}\
            {% elif message.role == 'user' %}[INST] {{ message.content }} [/INST]{% else %}{{ message.content }}{{ eos_token }}{% endif %}{% endfor %}";
        let text = render(strict).expect("it renders");
        assert_eq!(
            text,
            "<s>[INST] Rules.\n\nAdd. [/INST] (module) </s>[INST] Negate. [/INST]"
        );
    }

    #[test]
    fn templates_that_fail_or_never_end_are_errors() {
        for source in [
            "{% if %}",
            "{{ raise_exception('never') }}",
            "{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}",
            "{{ messages.no_such_method() }}",
        ] {
            assert!(
                matches!(render(source), Err(GgufError::Template(_))),
                "{source}"
            );
        }
    }
}
