//! Which memories an answer should know about.

use crate::gate::Kind;
use crate::text::{Language, language, normalised, terms};

/// A memory that full text or vectors found.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Whose score this is.
    pub id: u128,
    /// BM25 or the like, higher is better; `None` when no term occurs.
    pub text_score: Option<f32>,
    /// Cosine to the query; `None` when there is no vector.
    pub cosine: Option<f32>,
    /// 0 to 1.
    pub importance: f32,
    /// 0 to 1.
    pub confidence: f32,
    /// Days since it was said.
    pub age_days: f32,
    /// How fast it grows old.
    pub kind: Kind,
}

/// How the parts of a score weigh. The defaults were tuned on one half of a public conversation benchmark and hold on
/// the other; importance, confidence and recency only ever tip the balance (added to relevance they ruin it: recall
/// in the first ten falls from .82 to .25).
#[derive(Clone, Copy, Debug)]
pub struct Weights {
    /// Full text.
    pub text: f32,
    /// Vectors, for a question of ordinary length.
    pub dense: f32,
    /// Vectors, for a long query, whose many words hit everything.
    pub dense_long: f32,
    /// How much importance can move a score.
    pub importance: f32,
    /// How much confidence can move a score.
    pub confidence: f32,
    /// How much recency can move a score; twice that when the query asks about now.
    pub recency: f32,
    /// Least cosines of an English query.
    pub floor: Floor,
    /// Least cosines of a German one: the encoder knows little German and finds all of it alike.
    pub floor_german: Floor,
}

/// The least cosine of a memory that has to do with the query.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    /// When no term of the query occurs in it.
    pub alone: f32,
    /// When one does.
    pub with_text: f32,
}

impl Default for Weights {
    /// Floors as measured with MiniLM: answers to English questions .37 to .64, unrelated at most .29; in German .75
    /// to .91 against .64.
    fn default() -> Self {
        Self {
            text: 1.0,
            dense: 1.1,
            dense_long: 1.6,
            importance: 0.1,
            confidence: 0.1,
            recency: 0.1,
            floor: Floor {
                alone: 0.32,
                with_text: 0.18,
            },
            floor_german: Floor {
                alone: 0.66,
                with_text: 0.4,
            },
        }
    }
}

/// A memory worth recalling, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// The candidate's.
    pub id: u128,
    /// Higher is better; comparable within one ranking only.
    pub score: f32,
    /// What made it.
    pub parts: Parts,
}

/// The parts of a score, each 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parts {
    /// Text and vectors together, against the other candidates.
    pub relevance: f32,
    /// 1 for today or for what does not grow old.
    pub recency: f32,
    /// As given.
    pub importance: f32,
    /// As given.
    pub confidence: f32,
}

/// The best memories for a query, the best first, at most `limit`. Those that have nothing to do with it are left out
/// however few remain: an unrelated question recalls nothing. Equal scores go by age, then by id.
pub fn rank(query: &str, candidates: Vec<Candidate>, weights: &Weights, limit: usize) -> Vec<Ranked> {
    let floor = if language(query) == Language::German {
        weights.floor_german
    } else {
        weights.floor
    };
    let kept: Vec<Candidate> = candidates
        .into_iter()
        .map(finite)
        .filter(|one| is_related(one, floor))
        .collect();
    let scale = Scale::of(&kept, query, weights);
    let mut ranked: Vec<(Ranked, f32)> = kept
        .iter()
        .map(|one| (score(one, &scale, weights), one.age_days))
        .collect();
    ranked.sort_by(|(a, a_age), (b, b_age)| {
        b.score
            .total_cmp(&a.score)
            .then(a_age.total_cmp(b_age))
            .then(a.id.cmp(&b.id))
    });
    ranked.into_iter().map(|(one, _)| one).take(limit).collect()
}

/// Numbers that are none count as absent.
fn finite(mut one: Candidate) -> Candidate {
    one.text_score = one.text_score.filter(|score| score.is_finite());
    one.cosine = one.cosine.filter(|cosine| cosine.is_finite());
    one.importance = unit(one.importance);
    one.confidence = unit(one.confidence);
    one.age_days = if one.age_days.is_finite() {
        one.age_days.max(0.0)
    } else {
        0.0
    };
    one
}

fn unit(value: f32) -> f32 {
    if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.5 }
}

fn is_related(one: &Candidate, floor: Floor) -> bool {
    match (one.text_score, one.cosine) {
        (Some(_), Some(cosine)) => cosine >= floor.with_text,
        (None, Some(cosine)) => cosine >= floor.alone,
        (text, None) => text.is_some(),
    }
}

/// How this query's candidates spread, and how its scores weigh.
struct Scale {
    text: (f32, f32),
    cosine: (f32, f32),
    text_weight: f32,
    dense_weight: f32,
    recency: f32,
}

/// Queries longer than this are descriptions rather than questions.
const LONG_QUERY_TERMS: usize = 12;

impl Scale {
    fn of(candidates: &[Candidate], query: &str, weights: &Weights) -> Self {
        let long = terms(query).len() > LONG_QUERY_TERMS;
        let any_vector = candidates.iter().any(|one| one.cosine.is_some());
        let dense = if long { weights.dense_long } else { weights.dense };
        Self {
            text: span(candidates.iter().map(|one| one.text_score.unwrap_or(0.0))),
            cosine: span(candidates.iter().filter_map(|one| one.cosine)),
            text_weight: weights.text,
            dense_weight: if any_vector { dense } else { 0.0 },
            recency: if asks_about_now(query) {
                2.0 * weights.recency
            } else {
                weights.recency
            },
        }
    }

    fn relevance(&self, one: &Candidate) -> f32 {
        let text = min_max(one.text_score.unwrap_or(0.0), self.text);
        let dense = one.cosine.map_or(0.0, |cosine| min_max(cosine, self.cosine));
        let total = self.text_weight + self.dense_weight;
        if total > 0.0 {
            (self.text_weight * text + self.dense_weight * dense) / total
        } else {
            0.0
        }
    }
}

/// Least and greatest; the least is at most 0, for what was not found scores 0 and a few good candidates must not
/// be spread from best to worthless.
fn span(values: impl Iterator<Item = f32>) -> (f32, f32) {
    values.fold((0.0, 0.0), |(low, high): (f32, f32), value| {
        (low.min(value), high.max(value))
    })
}

fn min_max(value: f32, (low, high): (f32, f32)) -> f32 {
    if high > low { (value - low) / (high - low) } else { 0.0 }
}

fn asks_about_now(query: &str) -> bool {
    let text = normalised(query);
    [
        " still ",
        " now ",
        " currently ",
        " these days ",
        " noch ",
        " jetzt ",
        " aktuell ",
        " derzeit ",
        " momentan ",
    ]
    .iter()
    .any(|word| text.contains(word))
}

fn score(one: &Candidate, scale: &Scale, weights: &Weights) -> Ranked {
    let parts = Parts {
        relevance: scale.relevance(one),
        recency: recency(one),
        importance: one.importance,
        confidence: one.confidence,
    };
    let tip = weights.importance * (parts.importance - 0.5)
        + weights.confidence * (parts.confidence - 0.5)
        + scale.recency * (parts.recency - 0.5);
    Ranked {
        id: one.id,
        score: parts.relevance * (1.0 + tip),
        parts,
    }
}

fn recency(one: &Candidate) -> f32 {
    one.kind
        .half_life_days()
        .map_or(1.0, |half_life| 0.5_f32.powf(one.age_days / half_life))
}

/// The cosine of two vectors of length 1: their dot product. 0 when their sizes differ, for they come from two models.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    if a.len() != b.len() {
        return 0.0;
    }
    // Eight sums that do not wait for each other are what the compiler turns into vector instructions.
    let (mut sums, lanes) = ([0.0_f32; 8], a.len() / 8 * 8);
    for (a, b) in a[..lanes].chunks_exact(8).zip(b[..lanes].chunks_exact(8)) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a[lanes..].iter().zip(&b[lanes..]).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests;
