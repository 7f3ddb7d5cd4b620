//! Plans and results, for people.

use serde_json::Value;

use crate::cli::Tune;
use crate::report::human_size;

/// One line before a run.
pub(super) fn brief(plan: &Value) -> String {
    if let Some(tasks) = plan["tasks"].as_u64() {
        return format!("{tasks} tasks, {} answers to each", plan["generations"]);
    }
    format!(
        "{} records, {} for validation; about {} tokens an epoch, {:.1} GiB of memory",
        plan["records"]["train"],
        plan["records"]["validation"],
        plan["tokens"],
        plan["memory"]["total"].as_f64().unwrap_or_default(),
    )
}

/// What a dry run shows.
pub(super) fn estimate(plan: &Value) -> String {
    if let Some(tasks) = plan["tasks"].as_u64() {
        return format!(
            "base      {}, {}\ntasks     {tasks}, with {} answers to each\n",
            plan["base"].as_str().unwrap_or_default(),
            plan["method"].as_str().unwrap_or_default(),
            plan["generations"],
        );
    }
    let mut text = format!(
        "base      {}, {}\nrecords   {} to train on, {} for validation, {} for test\ntokens    about {} an epoch\n",
        plan["base"].as_str().unwrap_or_default(),
        plan["method"].as_str().unwrap_or_default(),
        plan["records"]["train"],
        plan["records"]["validation"],
        plan["records"]["test"],
        plan["tokens"],
    );
    let memory = &plan["memory"];
    let part = |name: &str| memory[name].as_f64().unwrap_or_default();
    text += &format!(
        "memory    {:.1} GiB: weights {:.1}, what is trained {:.1}, activations {:.1}, logits {:.1}\n",
        part("total"),
        part("weights"),
        part("trained"),
        part("activations"),
        part("logits"),
    );
    for (card, hours) in plan["hours"].as_object().into_iter().flatten() {
        text += &match hours.as_f64() {
            Some(hours) => format!("time      {hours:.2} hours on one {card}\n"),
            None => format!("time      does not fit on one {card}\n"),
        };
    }
    text + "Memory and time are estimated from the shapes, not measured.\n"
}

/// What a run will do.
pub(super) fn steps(args: &Tune, plan: &Value) -> Vec<String> {
    let mut steps = Vec::new();
    if args.python.is_none() {
        steps.push(String::from(
            "install torch and other packages, unless they are (6 GB, once)",
        ));
    }
    let download = plan["download"].as_u64().unwrap_or(0);
    if download > 0 {
        let terms = if plan["gated"] == true {
            "; its owner asks to accept terms first"
        } else {
            ""
        };
        steps.push(format!(
            "fetch {} ({}{terms})",
            args.base,
            human_size(download)
        ));
    }
    let out = args.out.display();
    if args.tasks.is_some() {
        steps.push(String::from(
            "answer tasks, run the answers, learn from what passes",
        ));
    } else {
        steps.push(String::from(
            "check every record with the base's own tokenizer and template",
        ));
        steps.push(format!("train, with checkpoints in {out}/checkpoints"));
    }
    steps.push(format!(
        "write {out}: the result, its GGUF file, curve and card"
    ));
    steps
}

/// What a run ended with.
pub(super) fn result(args: &Tune, done: &Value) -> String {
    let metrics = &done["metrics"];
    let mut text = String::new();
    for (from, to, name) in [
        (
            "validation_loss_before",
            "validation_loss",
            "validation loss",
        ),
        ("reward_first", "reward_last", "reward"),
    ] {
        if let (Some(before), Some(after)) = (metrics[from].as_f64(), metrics[to].as_f64()) {
            text += &format!("{name:<16} {before:.4} → {after:.4}\n");
        }
    }
    text += &format!("{:<16} {}\n", "steps", metrics["steps"]);
    text += &format!("{:<16} {}\n", "card", args.out.join("card.md").display());
    for file in done["files"].as_array().into_iter().flatten() {
        text += &format!("{:<16} {}\n", "GGUF", file.as_str().unwrap_or_default());
    }
    text
}
