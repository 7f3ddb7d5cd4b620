//! Damaged files and files for other purposes: each is an error, none ends the process.

use zero_model::backend::{Gguf, GgufError, GgufOptions};
use zero_model::model::Model as _;

use crate::tiny::{self, File, Random, Value};
use crate::{conversation, folder, options, refusal, sampling};

fn refused(file: &File) -> GgufError {
    refused_bytes(&file.encode())
}

fn refused_bytes(bytes: &[u8]) -> GgufError {
    let folder = folder();
    let path = tiny::write(folder.path(), "x.gguf", bytes);
    let error = refusal(Gguf::open(&options(&path)));
    assert!(error.hint().is_some(), "{error:?}");
    error
}

#[test]
fn a_missing_file_is_missing() {
    let error = Gguf::open(&options("/nowhere/x.gguf".as_ref())).unwrap_err();
    assert!(error.is_missing());
}

#[test]
fn files_that_are_no_models_are_refused() {
    for bytes in [&b""[..], b"GGU", b"PK\x03\x04 something else"] {
        assert!(matches!(refused_bytes(bytes), GgufError::NotGguf));
    }
    let mut old = tiny::model(1).encode();
    old[4] = 1;
    assert!(matches!(refused_bytes(&old), GgufError::Version(1)));
    let mut vocabulary = tiny::model(1);
    vocabulary.tensors.clear();
    assert!(matches!(refused(&vocabulary), GgufError::Purpose { .. }));
}

#[test]
fn a_file_that_ends_early_is_refused_wherever_it_ends() {
    let whole = tiny::model(1).encode();
    let ends = (8..whole.len() - 31).step_by(whole.len() / 150);
    for end in ends.chain([whole.len() - 32 - 31]) {
        let error = refused_bytes(&whole[..end]);
        assert!(
            matches!(error, GgufError::Truncated { len, needed } if len < needed),
            "{end} of {}: {error:?}",
            whole.len()
        );
    }
}

#[test]
fn lengths_that_no_file_has_are_refused() {
    for at in [8, 16, 24] {
        let mut bytes = tiny::model(1).encode();
        bytes[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(matches!(refused_bytes(&bytes), GgufError::TooMany { .. }));
    }
}

#[test]
fn hyperparameters_that_llama_cpp_believes_are_checked() {
    for (key, value) in [
        ("llama.block_count", Value::U32(0)),
        ("llama.block_count", Value::U32(100_000)),
        ("llama.context_length", Value::U32(0)),
        ("llama.context_length", Value::Text("long".to_owned())),
        ("llama.attention.head_count", Value::U32(0)),
        ("llama.attention.head_count", Value::U32(3)),
        ("llama.attention.head_count_kv", Value::U32(0)),
        ("llama.attention.key_length", Value::U32(15)),
        ("llama.attention.value_length", Value::U32(2)),
        ("llama.rope.dimension_count", Value::U32(6)),
        ("llama.rope.scaling.type", Value::Text("magic".to_owned())),
        ("llama.embedding_length", Value::U32(33)),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(-1e-5)),
        ("llama.rope.freq_base", Value::F32(f32::NAN)),
        ("tokenizer.ggml.tokens", Value::U32(3)),
        ("tokenizer.ggml.model", Value::U32(3)),
        ("tokenizer.chat_template", Value::U32(3)),
        ("general.architecture", Value::U32(3)),
        ("general.type", Value::U32(3)),
    ] {
        let error = refused(&tiny::model(1).set(key, value));
        assert!(matches!(error, GgufError::Key { .. }), "{key}: {error:?}");
    }
    for key in [
        "llama.block_count",
        "llama.attention.head_count",
        "tokenizer.ggml.tokens",
        "tokenizer.ggml.model",
        "general.architecture",
    ] {
        let error = refused(&tiny::model(1).without(key));
        assert!(matches!(error, GgufError::Key { .. }), "{key}: {error:?}");
    }
    for (key, value) in [
        ("general.architecture", Value::Text("bert".to_owned())),
        ("tokenizer.ggml.model", Value::Text("t5".to_owned())),
        ("split.count", Value::U32(4)),
        ("llama.attention.causal", Value::Bool(false)),
        ("llama.pooling_type", Value::U32(1)),
    ] {
        let error = refused(&tiny::model(1).set(key, value));
        assert!(
            matches!(error, GgufError::Unsupported(_)),
            "{key}: {error:?}"
        );
        assert!(
            error
                .hint()
                .is_some_and(|hint| hint.contains("llama-server"))
        );
    }
}

#[test]
fn vocabularies_that_llama_cpp_believes_are_checked() {
    let changed = |change: fn(&mut Vec<String>)| {
        let mut tokens = tiny::tokens();
        change(&mut tokens);
        refused(&tiny::model(1).set("tokenizer.ggml.tokens", Value::Texts(tokens)))
    };
    for error in [
        changed(|tokens| tokens[270] = tokens[271].clone()),
        changed(|tokens| tokens[270].clear()),
        changed(|tokens| tokens[270].push('\0')),
        changed(|tokens| tokens[10].push('x')),
        changed(|tokens| tokens.truncate(300)),
    ] {
        assert!(matches!(error, GgufError::Key { .. }), "{error:?}");
    }
}

#[test]
fn a_shape_that_does_not_follow_is_refused() {
    let error = refused(&tiny::model(1).set("llama.feed_forward_length", Value::U32(65)));
    assert!(matches!(error, GgufError::Load), "{error:?}");
    let error = refused(&tiny::model(1).set("llama.block_count", Value::U32(2)));
    assert!(matches!(error, GgufError::Load), "{error:?}");
    let error = refused(&tiny::model(1).without("llama.attention.layer_norm_rms_epsilon"));
    assert!(matches!(error, GgufError::Load), "{error:?}");
}

/// Weights that are no numbers leave nothing to choose.
#[test]
fn weights_that_are_no_numbers_end_an_answer() {
    let folder = folder();
    let mut file = tiny::model(1);
    file.tensors[1].weights.fill(f32::NAN);
    let path = file.write(folder.path(), "nan.gguf");
    let gguf = Gguf::open(&options(&path)).unwrap();
    let answer = gguf.complete(&conversation("x"), &sampling(1.0, 0, 5));
    assert!(answer.is_err(), "{answer:?}");
}

/// A model with many of the values that llama.cpp believes.
fn talkative() -> File {
    let mut file = tiny::model(1)
        .set("llama.rope.dimension_count", Value::U32(16))
        .set("llama.attention.key_length", Value::U32(16))
        .set("llama.attention.value_length", Value::U32(16))
        .set("llama.attention.head_count_kv", Value::U32(1))
        .set("llama.expert_count", Value::U32(0))
        .set("llama.rope.scaling.type", Value::Text("yarn".to_owned()))
        .set("llama.rope.scaling.factor", Value::F32(2.0))
        .set("llama.vocab_size", Value::U32(300))
        .set("tokenizer.ggml.bos_token_id", Value::U32(1))
        .set("tokenizer.ggml.eos_token_id", Value::U32(2));
    for tensor in &mut file.tensors {
        // One group of keys and values.
        if tensor.name.contains("attn_k") || tensor.name.contains("attn_v") {
            tensor.shape[1] /= 2;
            tensor.weights.truncate(tensor.weights.len() / 2);
        }
    }
    file
}

/// Changes bytes of a header, and hands each changed file over. The long lists between two keys are changed less often.
fn change(file: &File, lists: [&str; 2], times: usize, mut with: impl FnMut(&[u8])) {
    let whole = file.encode();
    let data = file.tensors.iter().map(|tensor| tensor.weights.len() * 4);
    let header = whole.len() - data.map(|len| len.next_multiple_of(32)).sum::<usize>();
    let find = |text: &str| {
        let mut windows = whole.windows(text.len());
        let found = windows.position(|window| window == text.as_bytes());
        found.expect("it is a key")
    };
    let lists = find(lists[0])..find(lists[1]);
    let mut random = Random(11);
    let mut random =
        move |below: usize| usize::try_from(random.bits() >> 1).expect("it is 64 bits") % below;
    with(&whole);
    for _ in 0..times {
        let mut bytes = whole.clone();
        for _ in 0..=random(2) {
            let at = random(header - lists.len());
            let at = match random(4) {
                0 if !lists.is_empty() => lists.start + random(lists.len()),
                _ if at < lists.start => at,
                _ => at + lists.len(),
            };
            bytes[at] = match random(3) {
                0 => 0,
                1 => bytes[at].wrapping_add(1),
                _ => u8::try_from(random(256)).expect("it is a byte"),
            };
        }
        with(&bytes);
    }
}

/// The check is there because llama.cpp ends the process on some of these.
#[test]
fn no_changed_byte_of_a_model_ends_the_process() {
    let folder = folder();
    for (file, lists) in [
        (
            talkative(),
            ["tokenizer.ggml.tokens", "tokenizer.ggml.add_space_prefix"],
        ),
        (
            tiny::byte_level(1),
            ["tokenizer.ggml.tokens", "token_embd.weight"],
        ),
    ] {
        let mut opened = 0;
        change(&file, lists, 800, |bytes| {
            let path = tiny::write(folder.path(), "changed.gguf", bytes);
            if let Ok(gguf) = Gguf::open(&options(&path)) {
                opened += 1;
                let _ = gguf.complete(&conversation("Add."), &sampling(1.0, 0, 2));
            }
        });
        assert!(opened > 100, "{opened}");
    }
}

#[test]
fn no_changed_byte_of_an_adapter_ends_the_process() {
    let folder = folder();
    let model = tiny::model(1).write(folder.path(), "tiny.gguf");
    let mut opened = 0;
    let nothing = ["general.type", "general.type"];
    change(&tiny::adapter(5, 1.0), nothing, 1000, |bytes| {
        let options = GgufOptions {
            adapter: Some(tiny::write(folder.path(), "changed.gguf", bytes)),
            ..options(&model)
        };
        if let Ok(gguf) = Gguf::open(&options) {
            opened += 1;
            let _ = gguf.complete(&conversation("Add."), &sampling(1.0, 0, 2));
        }
    });
    assert!(opened > 20, "{opened}");
}
