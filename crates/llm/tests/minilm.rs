//! The embedding model against the values its authors publish. Needs the weights (`parlor models pull`).

use std::io::Write;
use std::path::PathBuf;

use parlor_llm::embed::Precision;
use parlor_llm::models::{MINILM, Status, Store, default_dir};
use parlor_llm::{Embedder, Error, MiniLm};

/// Sentences and their published cosines to the first one.
const HAPPY: [&str; 4] = [
    "That is a happy person",
    "That is a happy dog",
    "That is a very happy person",
    "Today is a sunny day",
];
const PUBLISHED: [f32; 3] = [0.6946, 0.9429, 0.2569];

/// The folder of the weights; without them the test says so and is over.
fn weights() -> Option<PathBuf> {
    let dir = std::env::var_os("PARLOR_MODELS_DIR")
        .map(PathBuf::from)
        .or_else(default_dir)?;
    let store = Store::new(dir);
    if store.status(&MINILM) == Status::Present {
        return Some(store.model_dir(&MINILM));
    }
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED: no weights in {}",
        store.model_dir(&MINILM).display()
    );
    None
}

fn load(precision: Precision) -> Option<MiniLm> {
    let cache = std::env::temp_dir().join(format!("parlor-minilm-{}-{precision:?}", std::process::id()));
    let model = MiniLm::load_with(&weights()?, &cache, precision).unwrap();
    std::fs::remove_dir_all(cache).unwrap();
    Some(model)
}

async fn embed(model: &MiniLm, texts: &[&str]) -> Vec<Vec<f32>> {
    model
        .embed(texts.iter().map(|text| (*text).to_owned()).collect())
        .await
        .unwrap()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

async fn check(precision: Precision, tolerance: f32) {
    let Some(model) = load(precision) else { return };
    let vectors = embed(&model, &HAPPY).await;
    let cosines: Vec<f32> = vectors[1..].iter().map(|vector| cosine(&vectors[0], vector)).collect();
    for (found, published) in cosines.iter().zip(PUBLISHED) {
        assert!(
            (found - published).abs() < tolerance,
            "{precision:?}: {cosines:?} against {PUBLISHED:?}"
        );
    }
}

#[tokio::test]
async fn exact_weights_give_the_published_values() {
    check(Precision::F32, 1e-3).await;
}

#[tokio::test]
async fn small_weights_come_close_to_them() {
    check(Precision::Int8, 0.02).await;
}

#[tokio::test]
async fn small_weights_point_where_the_exact_ones_do() {
    let (Some(exact), Some(small)) = (load(Precision::F32), load(Precision::Int8)) else {
        return;
    };
    let texts = [
        HAPPY.as_slice(),
        &[
            "My sister Anna moved to Lisbon last May.",
            "I'm allergic to peanuts",
            "c++ or Rust?",
        ],
    ];
    let texts = texts.concat();
    for (a, b) in embed(&exact, &texts).await.iter().zip(embed(&small, &texts).await) {
        assert!(cosine(a, &b) > 0.98, "{}", cosine(a, &b));
    }
}

#[tokio::test]
async fn vectors_have_length_one_and_come_in_order() {
    let Some(model) = load(Precision::Int8) else { return };
    let long = "the cat sat on the mat ".repeat(2_000);
    let texts: Vec<&str> = (0..70)
        .map(|number| {
            if number % 7 == 3 {
                long.as_str()
            } else {
                HAPPY[number % 4]
            }
        })
        .collect();
    let vectors = embed(&model, &texts).await;
    let alone = embed(&model, &HAPPY).await;
    assert_eq!(
        (vectors.len(), model.dimensions(), model.model_id()),
        (70, 384, "all-minilm-l6-v2-int8")
    );
    for (number, vector) in vectors.iter().enumerate() {
        assert!(vector.len() == 384 && (cosine(vector, vector) - 1.0).abs() < 1e-4);
        // Whole numbers are scaled to the largest of a batch, so company changes a vector a little.
        let same = number % 7 == 3 || cosine(vector, &alone[number % 4]) > 0.985;
        assert!(same, "{number}: {}", cosine(vector, &alone[number % 4]));
    }
}

#[tokio::test]
async fn every_text_gets_a_vector() {
    let Some(model) = load(Precision::Int8) else { return };
    let texts = [
        "",
        " \n\t",
        "\u{0}\u{feff}",
        "日本語のテキスト",
        "🎉🎉",
        "[CLS] [SEP] [PAD]",
        "aaaaaaaaaaaaaaaa",
        "ẞß\u{301}",
    ];
    assert!(
        embed(&model, &texts)
            .await
            .iter()
            .flatten()
            .all(|number| number.is_finite())
    );
    assert!(model.embed(Vec::new()).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_prepared_model_is_kept_and_a_damaged_one_made_again() {
    let Some(weights) = weights() else { return };
    let cache = std::env::temp_dir().join(format!("parlor-minilm-{}-kept", std::process::id()));
    let first = MiniLm::load(&weights, &cache).unwrap();
    let kept = std::fs::read_dir(&cache).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&kept).unwrap();
    std::fs::write(&kept, &whole[..whole.len() / 2]).unwrap();
    let second = MiniLm::load(&weights, &cache).unwrap();
    assert_eq!(std::fs::read(&kept).unwrap(), whole, "made again, and the same");
    let third = MiniLm::load(&weights, &cache).unwrap();
    let [a, b, c] = [
        embed(&first, &HAPPY).await,
        embed(&second, &HAPPY).await,
        embed(&third, &HAPPY).await,
    ];
    assert!(a == b && b == c);
    std::fs::remove_dir_all(cache).unwrap();
}

#[test]
fn missing_weights_are_named() {
    let nowhere = std::env::temp_dir().join("parlor-no-such-folder");
    let error = MiniLm::load(&nowhere, &nowhere).err().unwrap();
    assert!(matches!(error, Error::ModelMissing(what) if what.contains("tokenizer.json")));
}
