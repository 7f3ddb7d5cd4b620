//! Adapters: what they change, and which are refused.

use zero_model::backend::{Gguf, GgufError, GgufOptions};

use crate::tiny::{self, File, Tensor, Value};
use crate::{answer, folder, options, refusal};

fn with(adapter: &File) -> Result<Gguf, zero_model::model::ModelError> {
    let folder = folder();
    let model = tiny::model(1).write(folder.path(), "tiny.gguf");
    let adapter = adapter.write(folder.path(), "adapter.gguf");
    Gguf::open(&GgufOptions {
        adapter: Some(adapter),
        ..options(&model)
    })
}

#[test]
fn an_adapter_changes_what_a_model_says() {
    let folder = folder();
    let plain = answer(&crate::open(folder.path()), 0.0, 0, 60);
    let strong = with(&tiny::adapter(5, 4.0)).unwrap();
    assert_ne!(answer(&strong, 0.0, 0, 60), plain);
    assert_eq!(
        answer(&with(&tiny::adapter(5, 0.0)).unwrap(), 0.0, 0, 60),
        plain
    );
    assert_eq!(
        zero_model::model::Model::name(&strong),
        "tiny.gguf + adapter.gguf"
    );
}

#[test]
fn adapters_for_other_models_are_refused() {
    let other = |change: fn(&mut File)| {
        let mut file = tiny::adapter(5, 1.0);
        change(&mut file);
        let error = refusal(with(&file));
        assert!(matches!(error, GgufError::Mismatch(_)), "{error:?}");
        assert!(error.hint().is_some_and(|hint| hint.contains("--lora")));
        error.to_string()
    };
    let architecture =
        tiny::adapter(5, 1.0).set("general.architecture", Value::Text("qwen2".to_owned()));
    assert_eq!(
        refusal(with(&architecture)).to_string(),
        "the adapter is for another model: its architecture is qwen2, the model's llama"
    );
    let said = other(|file| {
        for tensor in &mut file.tensors {
            tensor.name = tensor.name.replace("blk.0", "blk.7");
        }
    });
    assert!(said.contains("weights that the model has not"), "{said}");
    let said = other(|file| drop(file.tensors.pop()));
    assert!(said.contains("counterpart"), "{said}");
    let said = other(|file| {
        for tensor in &mut file.tensors {
            tensor.name = tensor.name.replace("ffn_down", "attn_q");
        }
    });
    assert!(said.contains("shape"), "{said}");
    let said = other(|file| {
        file.tensors.push(Tensor {
            name: "blk.0.ffn_down.bias".to_owned(),
            shape: vec![tiny::WIDTH],
            weights: vec![0.0; tiny::WIDTH],
        });
    });
    assert!(said.contains("none of an adapter"), "{said}");
    other(|file| file.tensors.clear());
}

#[test]
fn models_and_adapters_are_not_mixed_up() {
    let error = refusal(with(&tiny::model(2)));
    assert!(
        matches!(
            error,
            GgufError::Purpose {
                wanted: "an adapter",
                ..
            }
        ),
        "{error:?}"
    );
    let folder = folder();
    let path = tiny::adapter(5, 1.0).write(folder.path(), "adapter.gguf");
    let error = refusal(Gguf::open(&options(&path)));
    assert!(
        matches!(
            error,
            GgufError::Purpose {
                wanted: "a model",
                ..
            }
        ),
        "{error:?}"
    );
}
