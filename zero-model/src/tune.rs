//! The Python project that fine-tunes models, as part of the program: `cargo zero tune` writes it out and starts it.

macro_rules! module {
    ($path:literal) => {
        ($path, include_str!(concat!("../tune/", $path)))
    };
}

/// The files that a run needs, with their paths in the project.
pub const FILES: &[(&str, &str)] = &[
    ("locks/train.txt", LOCK),
    module!("zero_tune/__init__.py"),
    module!("zero_tune/__main__.py"),
    module!("zero_tune/answer.py"),
    module!("zero_tune/base.py"),
    module!("zero_tune/callbacks.py"),
    module!("zero_tune/card.py"),
    module!("zero_tune/checks.py"),
    module!("zero_tune/cli.py"),
    module!("zero_tune/convert.py"),
    module!("zero_tune/curve.py"),
    module!("zero_tune/encode.py"),
    module!("zero_tune/errors.py"),
    module!("zero_tune/estimate.py"),
    module!("zero_tune/events.py"),
    module!("zero_tune/folder.py"),
    module!("zero_tune/gguf_vocabulary.py"),
    module!("zero_tune/grpo.py"),
    module!("zero_tune/hub.py"),
    module!("zero_tune/leakage.py"),
    module!("zero_tune/memory.py"),
    module!("zero_tune/models.py"),
    module!("zero_tune/plan.py"),
    module!("zero_tune/presets.py"),
    module!("zero_tune/question.py"),
    module!("zero_tune/records.py"),
    module!("zero_tune/reward.py"),
    module!("zero_tune/tasks.py"),
    module!("zero_tune/templates.py"),
    module!("zero_tune/tensors.py"),
    module!("zero_tune/tiny.py"),
    module!("zero_tune/tokenizer.py"),
    module!("zero_tune/train.py"),
    module!("zero_tune/vocabulary.py"),
    module!("zero_tune/wat.py"),
];

/// The packages that training needs, each with its version and digests.
pub const LOCK: &str = include_str!("../tune/locks/train.txt");

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn is_python(path: &str) -> bool {
        Path::new(path).extension().is_some_and(|e| e == "py")
    }

    #[test]
    fn every_module_of_the_project_is_part_of_the_program() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tune/zero_tune");
        let there = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let mut there: Vec<String> = there
            .map(|entry| format!("zero_tune/{}", entry.file_name().to_string_lossy()))
            .filter(|path| is_python(path))
            .collect();
        there.sort();
        let mut here: Vec<&str> = FILES.iter().map(|(path, _)| *path).collect();
        here.retain(|path| is_python(path));
        here.sort_unstable();
        assert_eq!(here, there);
    }

    #[test]
    fn every_package_is_pinned_with_digests() {
        let packages = LOCK.lines().filter(|line| line.contains("=="));
        assert!(packages.clone().count() > 30);
        assert!(packages.clone().all(|line| line.ends_with('\\')));
        assert!(LOCK.matches("--hash=sha256:").count() > packages.count());
    }
}
