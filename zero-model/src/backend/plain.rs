//! Conversations as one text, for models without a chat template.

use crate::model::{Message, Role};

/// What interfaces and templates call a role.
pub(super) fn role(role: Role) -> &'static str {
    match role {
        Role::Assistant => "assistant",
        Role::System => "system",
        Role::User => "user",
    }
}

/// A conversation as one text that the model goes on with.
pub(super) fn prompt(conversation: &[Message]) -> String {
    let turn = |message: &Message| match message.role {
        Role::Assistant => format!("### Answer\n{}\n\n", message.text),
        Role::System => format!("{}\n\n", message.text),
        Role::User => format!("### Task\n{}\n\n", message.text),
    };
    let turns: String = conversation.iter().map(turn).collect();
    turns + "### Answer\n"
}
