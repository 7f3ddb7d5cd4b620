//! Choosing a token: the likeliest, or one at random from a seed.

use crate::model::Sampling;

/// Chooses among the tokens that a model has scored. What is refused is out of the choice: drawing, refusing and drawing
/// again is drawing from what is not refused.
#[derive(Debug)]
pub(super) struct Sampler {
    temperature: f64,
    top_p: f64,
    random: Random,
    /// Logarithms of how likely each token is, up to a constant; minus infinity for what is out of the choice.
    scores: Vec<f64>,
    /// Shares of the choice, up to a factor; empty until they are needed. To compute them costs more than the rest.
    weights: Vec<f64>,
}

/// What is left of the choice where shares lose their digits: the likeliest have been refused.
const FAINT: f64 = 1e-6;

impl Sampler {
    pub(super) fn new(sampling: &Sampling) -> Self {
        Self {
            temperature: f64::from(sampling.temperature).max(0.0),
            top_p: f64::from(sampling.top_p),
            random: Random(sampling.seed),
            scores: Vec::new(),
            weights: Vec::new(),
        }
    }

    /// Whether what is out of the choice changes how the rest is chosen: the share of `top_p` is one of what is left.
    pub(super) fn is_relative(&self) -> bool {
        self.temperature > 0.0 && self.top_p < 1.0
    }

    /// Begins a choice. What is no number is no choice either.
    pub(super) fn begin(&mut self, logits: &[f32]) {
        let scale = if self.temperature > 0.0 {
            self.temperature.recip()
        } else {
            1.0
        };
        self.weights.clear();
        self.scores.clear();
        self.scores.extend(logits.iter().map(|logit| {
            if logit.is_finite() {
                f64::from(*logit) * scale
            } else {
                f64::NEG_INFINITY
            }
        }));
    }

    /// Takes a token out of the choice.
    pub(super) fn refuse(&mut self, token: u32) {
        let Ok(at) = usize::try_from(token) else {
            return;
        };
        if let Some(score) = self.scores.get_mut(at) {
            *score = f64::NEG_INFINITY;
        }
        if let Some(weight) = self.weights.get_mut(at) {
            *weight = 0.0;
        }
    }

    /// Takes all others out of the choice.
    pub(super) fn keep(&mut self, mut allowed: impl FnMut(u32) -> bool) {
        self.weights.clear();
        for (token, score) in (0..).zip(&mut self.scores) {
            if !allowed(token) {
                *score = f64::NEG_INFINITY;
            }
        }
    }

    /// A token; none if there is no choice left.
    pub(super) fn draw(&mut self) -> Option<u32> {
        if self.temperature <= 0.0 {
            return self.likeliest().map(|(token, _)| token);
        }
        let mut rest = self.weigh()? * self.random.unit();
        let mut last = None;
        for (token, weight) in (0..).zip(&self.weights) {
            if *weight > 0.0 {
                last = Some(token);
                rest -= weight;
                if rest < 0.0 {
                    break;
                }
            }
        }
        last
    }

    /// Computes the weights where that has to be, and gives their sum; none if there is no choice left.
    fn weigh(&mut self) -> Option<f64> {
        let left: f64 = self.weights.iter().sum();
        if left >= FAINT {
            return Some(left);
        }
        let (_, most) = self.likeliest()?;
        self.weights.clear();
        self.weights
            .extend(self.scores.iter().map(|score| (score - most).exp()));
        if self.is_relative() {
            self.cut();
        }
        Some(self.weights.iter().sum())
    }

    /// The first of the likeliest, and its score.
    fn likeliest(&self) -> Option<(u32, f64)> {
        let mut best: Option<(u32, f64)> = None;
        for (token, score) in (0..).zip(&self.scores) {
            let better = best.is_none_or(|(_, most)| *score > most);
            if better && *score > f64::NEG_INFINITY {
                best = Some((token, *score));
            }
        }
        best
    }

    /// Leaves the likeliest tokens that together have the share of `top_p`, at least one.
    fn cut(&mut self) {
        let mut sorted: Vec<f64> = self.weights.iter().copied().filter(|w| *w > 0.0).collect();
        sorted.sort_unstable_by(|a, b| b.total_cmp(a));
        let wanted = sorted.iter().sum::<f64>() * self.top_p;
        let mut sum = 0.0;
        let least = sorted.iter().find(|weight| {
            sum += **weight;
            sum >= wanted
        });
        if let Some(least) = least {
            for weight in &mut self.weights {
                if weight.total_cmp(least).is_lt() {
                    *weight = 0.0;
                }
            }
        }
    }
}

/// SplitMix64: the same numbers from a seed on every machine.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1, without 1.
    fn unit(&mut self) -> f64 {
        let high = u32::try_from(self.next() >> 32).unwrap_or(u32::MAX);
        f64::from(high) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(temperature: f32, top_p: f32, seed: u64) -> Sampler {
        Sampler::new(&Sampling {
            temperature,
            top_p,
            seed,
            ..Sampling::default()
        })
    }

    fn counts(sampler: &mut Sampler, logits: &[f32], refused: &[u32]) -> Vec<usize> {
        let mut counts = vec![0; logits.len()];
        for _ in 0..20_000 {
            sampler.begin(logits);
            let token = loop {
                let token = sampler.draw().expect("there is a choice");
                if !refused.contains(&token) {
                    break token;
                }
                sampler.refuse(token);
            };
            counts[usize::try_from(token).expect("it is small")] += 1;
        }
        counts
    }

    #[test]
    fn without_temperature_the_first_of_the_likeliest_is_chosen() {
        let mut sampler = sampler(0.0, 1.0, 3);
        sampler.begin(&[f32::NAN, 1.0, 2.0, 2.0, f32::INFINITY]);
        assert_eq!(sampler.draw(), Some(2));
        sampler.refuse(2);
        assert_eq!(sampler.draw(), Some(3));
        sampler.keep(|token| token == 1);
        assert_eq!(sampler.draw(), Some(1));
        sampler.keep(|_| false);
        assert_eq!(sampler.draw(), None);
    }

    #[test]
    fn shares_follow_the_temperature() {
        let logits = [0.0, 3.0_f32.ln()];
        let counts = counts(&mut sampler(1.0, 1.0, 1), &logits, &[]);
        assert!((4_600..5_400).contains(&counts[0]), "{counts:?}");
    }

    #[test]
    fn what_is_refused_leaves_the_shares_of_the_rest() {
        let logits = [0.0, 2.0_f32.ln(), 4.0];
        let counts = counts(&mut sampler(1.0, 1.0, 2), &logits, &[2]);
        assert!((6_200..7_100).contains(&counts[0]), "{counts:?}");
        assert_eq!(counts[2], 0);
    }

    #[test]
    fn what_is_left_keeps_its_shares_however_faint_it_was() {
        let logits = [90.0, 80.0, 0.0, 0.1 * 2.0_f32.ln()];
        let counts = counts(&mut sampler(0.1, 1.0, 4), &logits, &[0, 1]);
        assert!((12_900..13_800).contains(&counts[3]), "{counts:?}");
    }

    #[test]
    fn the_unlikely_rest_is_cut() {
        let logits = [8.0_f32.ln(), 1.0_f32.ln(), 1.0_f32.ln()];
        let counts = counts(&mut sampler(1.0, 0.7, 2), &logits, &[]);
        assert_eq!(counts, [20_000, 0, 0]);
    }

    #[test]
    fn choices_far_below_the_likeliest_remain_choices() {
        let mut sampler = sampler(0.01, 1.0, 2);
        sampler.begin(&[100.0, -100.0, -101.0]);
        sampler.keep(|token| token > 0);
        assert_eq!(sampler.draw(), Some(1));
    }
}
