use super::*;
use proptest::prelude::*;

fn candidate(id: u128, text_score: Option<f32>, cosine: Option<f32>) -> Candidate {
    Candidate {
        id,
        text_score,
        cosine,
        importance: 0.5,
        confidence: 0.8,
        age_days: 1.0,
        kind: Kind::Episode,
    }
}

fn ids(query: &str, candidates: Vec<Candidate>) -> Vec<u128> {
    rank(query, candidates, &Weights::default(), 10)
        .into_iter()
        .map(|one| one.id)
        .collect()
}

#[test]
fn an_unrelated_question_recalls_nothing() {
    let far = vec![
        candidate(1, None, Some(0.29)),
        candidate(2, Some(3.0), Some(0.1)),
        candidate(3, None, None),
    ];
    assert_eq!(ids("What is the capital of France?", far), [0; 0]);
}

#[test]
fn german_needs_a_higher_cosine() {
    let one = vec![candidate(1, None, Some(0.5))];
    assert_eq!(ids("Wie wird das Wetter morgen?", one.clone()), [0; 0]);
    assert_eq!(ids("What is the weather like?", one), [1]);
    assert_eq!(ids("Wo wohne ich?", vec![candidate(1, None, Some(0.75))]), [1]);
    assert_eq!(ids("Wo wohne ich?", vec![candidate(1, Some(1.0), Some(0.5))]), [1]);
}

#[test]
fn both_signals_beat_one_and_text_alone_serves_without_vectors() {
    let both = candidate(1, Some(4.0), Some(0.6));
    let dense = candidate(2, None, Some(0.6));
    let text = candidate(3, Some(1.0), Some(0.2));
    assert_eq!(ids("Where do I live?", vec![text, dense, both]), [1, 2, 3]);
    assert_eq!(
        ids(
            "live",
            vec![candidate(1, Some(1.0), None), candidate(2, Some(2.0), None)]
        ),
        [2, 1]
    );
}

#[test]
fn importance_tips_the_balance_and_does_not_overturn_it() {
    let mut dull = candidate(1, None, Some(0.7));
    dull.importance = 0.0;
    let mut grave = candidate(2, None, Some(0.5));
    grave.importance = 1.0;
    assert_eq!(ids("x is y", vec![grave.clone(), dull.clone()]), [1, 2]);
    grave.cosine = Some(0.69);
    assert_eq!(ids("x is y", vec![grave, dull]), [2, 1]);
}

#[test]
fn episodes_fade_and_identity_does_not() {
    let old = |kind| Candidate {
        age_days: 90.0,
        kind,
        ..candidate(1, None, Some(0.6))
    };
    let part = |kind| rank("x", vec![old(kind)], &Weights::default(), 1)[0].parts.recency;
    assert!((part(Kind::Episode) - 0.5).abs() < 1e-6);
    assert!((part(Kind::Fact) - 1.0).abs() < 1e-6);
}

#[test]
fn equal_scores_have_a_stable_order_and_the_limit_holds() {
    let many: Vec<Candidate> = (0..20).rev().map(|id| candidate(id, None, Some(0.6))).collect();
    assert_eq!(ids("x", many), (0..10).collect::<Vec<u128>>());
}

#[test]
fn numbers_that_are_none_do_not_reach_a_score() {
    let mut odd = candidate(1, Some(f32::NAN), Some(0.6));
    odd.importance = f32::NAN;
    odd.age_days = f32::INFINITY;
    let ranked = rank(
        "x",
        vec![odd, candidate(2, None, Some(f32::NAN))],
        &Weights::default(),
        10,
    );
    assert_eq!(ranked.len(), 1);
    assert!(ranked[0].score.is_finite());
}

#[test]
fn the_cosine_of_two_models_is_nothing() {
    assert_eq!(cosine(&[1.0; 3], &[1.0; 4]).to_bits(), 0.0_f32.to_bits());
    assert!((cosine(&[0.6, 0.8], &[0.6, 0.8]) - 1.0).abs() < 1e-6);
}

fn any_candidate() -> impl Strategy<Value = Candidate> {
    let scores = (prop::option::of(0.0f32..20.0), prop::option::of(-0.2f32..1.0));
    (scores, 0.0f32..1.0, 0.0f32..1.0, 0.0f32..900.0).prop_map(|((text, cos), importance, confidence, age_days)| {
        Candidate {
            importance,
            confidence,
            age_days,
            ..candidate(0, text, cos)
        }
    })
}

fn place(query: &str, candidates: &[Candidate], id: u128) -> usize {
    let ranked = rank(query, candidates.to_vec(), &Weights::default(), usize::MAX);
    ranked.iter().position(|one| one.id == id).unwrap_or(usize::MAX)
}

proptest! {
    #[test]
    fn better_in_one_way_is_never_ranked_lower(mut all in prop::collection::vec(any_candidate(), 1..12), way in 0..5, by in 0.01f32..1.0) {
        for (id, one) in (0u128..).zip(all.iter_mut()) {
            one.id = id;
        }
        let before = place("Where do I live?", &all, 0);
        let one = &mut all[0];
        match way {
            0 => one.cosine = one.cosine.map(|c| c + by),
            1 => one.text_score = one.text_score.map(|s| s + by * 5.0),
            2 => one.importance = (one.importance + by).min(1.0),
            3 => one.confidence = (one.confidence + by).min(1.0),
            _ => one.age_days *= 1.0 - by.min(0.99),
        }
        // Raising the greatest score narrows the others' scale, which may reorder them but never lifts one past it.
        prop_assert!(place("Where do I live?", &all, 0) <= before);
    }

    #[test]
    fn the_order_they_come_in_does_not_matter(mut all in prop::collection::vec(any_candidate(), 0..12)) {
        for (id, one) in (0u128..).zip(all.iter_mut()) {
            one.id = id;
        }
        let forward = rank("a b", all.clone(), &Weights::default(), 5);
        all.reverse();
        prop_assert_eq!(forward, rank("a b", all, &Weights::default(), 5));
    }

    #[test]
    fn the_fast_cosine_is_the_plain_one(pairs in prop::collection::vec((-1.0f32..1.0, -1.0f32..1.0), 0..50)) {
        let (a, b): (Vec<f32>, Vec<f32>) = pairs.iter().copied().unzip();
        let plain: f32 = pairs.iter().map(|(a, b)| a * b).sum();
        prop_assert!((cosine(&a, &b) - plain).abs() < 1e-4);
    }
}
