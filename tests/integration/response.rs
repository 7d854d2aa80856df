//! Responses predicted in contexts that were measured in part, elsewhere, or nowhere.

use phenocopy::dataset::{Dataset, ProfileKey, Profiles, Split, StorageLimits};
use phenocopy::embedding::{Evidence, Prediction, ReadoutWeights, ResponsePredictor};
use phenocopy::experiment::{Context, Perturbation, PerturbationType, Readout};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

const DIM: usize = 3;
const READOUTS: usize = 24;
const NOISE: f32 = 0.5;

/// Perturbations whose embeddings agree between contexts by a known correlation.
struct World {
    dataset: Dataset,
    weights: ReadoutWeights,
    /// The noiseless response of each profile.
    truth: Vec<Vec<f32>>,
}

fn normal(rng: &mut ChaCha8Rng) -> f32 {
    StandardNormal.sample(rng)
}

/// `n` compounds in every one of `contexts` assays, then as many genes in one more context.
fn world(n: u32, contexts: u32, agreement: f32, seed: u64) -> World {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let readouts: Vec<f32> = (0..READOUTS * DIM).map(|_| normal(&mut rng)).collect();
    let chemical = (0..n).flat_map(|p| (0..contexts).map(move |c| (p, c)));
    let genetic = (n..2 * n).map(|p| (p, contexts));
    let key = |(perturbation, context)| ProfileKey { perturbation, context };
    let keys: Vec<ProfileKey> = chemical.chain(genetic).map(key).collect();
    let shared: Vec<[f32; DIM]> =
        (0..2 * n).map(|_| std::array::from_fn(|_| normal(&mut rng))).collect();
    let truth: Vec<Vec<f32>> = keys
        .iter()
        .map(|key| {
            let own: [f32; DIM] = std::array::from_fn(|_| normal(&mut rng));
            let z = |k| {
                let shared: f32 = shared[key.perturbation as usize][k];
                agreement.sqrt() * shared + (1.0 - agreement).sqrt() * own[k]
            };
            let response = |row: &[f32]| (0..DIM).map(|k| row[k] * z(k)).sum();
            readouts.chunks_exact(DIM).map(response).collect()
        })
        .collect();
    let measured: Vec<Vec<f32>> = truth
        .iter()
        .map(|row| {
            let noisy = |value: &f32| match rng.random_bool(0.1) {
                true => f32::NAN,
                false => value + NOISE * normal(&mut rng),
            };
            row.iter().map(noisy).collect()
        })
        .collect();
    let weights = ReadoutWeights::new(&readouts, &vec![0.0; contexts as usize + 1], DIM).unwrap();
    World { dataset: dataset(n, contexts, keys, &measured), weights, truth }
}

fn dataset(n: u32, contexts: u32, keys: Vec<ProfileKey>, values: &[Vec<f32>]) -> Dataset {
    let fill = |profile: usize, row: &mut [f32]| {
        row.copy_from_slice(&values[profile]);
        Ok(())
    };
    let profiles = Profiles::collect(keys, READOUTS, StorageLimits::default(), fill).unwrap();
    let compound = |i| Perturbation::new(PerturbationType::Compound, format!("compound {i}"));
    let gene = |i| Perturbation::new(PerturbationType::CrisprKnockout, format!("GENE{i}"));
    Dataset::from_profiles(
        "planted",
        (0..n).map(compound).chain((0..n).map(gene)).collect(),
        (0..=contexts).map(|c| Context(format!("assay {c}"))).collect(),
        (0..READOUTS).map(|r| Readout(format!("line {r}"))).collect(),
        profiles,
    )
    .unwrap()
}

impl World {
    fn fit(&self, excluded: &Split) -> ResponsePredictor {
        ResponsePredictor::fit(&self.dataset, excluded, std::slice::from_ref(&self.weights))
            .unwrap()
    }

    fn predict(&self, predictor: &ResponsePredictor, profile: u32) -> Prediction {
        let key = self.dataset.profiles.keys()[profile as usize];
        predictor.predict(key.perturbation, key.context).unwrap()
    }

    /// Root mean squared error on the noiseless responses of some profiles, with the slope of truth on
    /// prediction.
    fn error(&self, predictor: &ResponsePredictor, profiles: &[u32]) -> (f32, f32) {
        let (mut squares, mut product, mut size, mut n) = (0.0, 0.0, 0.0, 0.0);
        for profile in profiles {
            let predicted = self.predict(predictor, *profile).values;
            for (truth, value) in self.truth[*profile as usize].iter().zip(predicted) {
                squares += (truth - value).powi(2);
                product += truth * value;
                size += value * value;
                n += 1.0;
            }
        }
        ((squares / n).sqrt(), product / f32::max(size, f32::MIN_POSITIVE))
    }
}

/// Every tenth compound's profile in the second of two assays.
fn every_tenth(n: u32) -> Vec<u32> {
    (0..n / 10).map(|i| 20 * i + 1).collect()
}

#[test]
fn an_unseen_context_is_predicted_as_far_as_contexts_agree() {
    let held = every_tenth(300);
    let mut errors = Vec::new();
    for agreement in [0.9, 0.5, 0.0] {
        let world = world(300, 2, agreement, 7);
        let predictor = world.fit(&Split::Profiles(held.clone()));
        let (error, slope) = world.error(&predictor, &held);
        let copied = world.error(&predictor, &held.iter().map(|p| p - 1).collect::<Vec<_>>());
        assert!(copied.0 < 0.4, "measured profiles are denoised: {copied:?}");
        // The best that a perfect copy of the other context could do, to within its estimation.
        let best = (DIM as f32 * (1.0 - agreement * agreement)).sqrt();
        assert!(error < 1.15 * best + 0.15, "agreement {agreement}: {error} beside {best}");
        if agreement > 0.0 {
            assert!((0.75..1.35).contains(&slope), "agreement {agreement}: slope {slope}");
        }
        errors.push(error);
    }
    assert!(errors.is_sorted(), "{errors:?}");
}

#[test]
fn contexts_that_do_not_agree_predict_next_to_nothing() {
    let held = every_tenth(300);
    let world = world(300, 2, 0.0, 11);
    let predictor = world.fit(&Split::Profiles(held.clone()));
    let size = |row: &[f32]| row.iter().map(|v| v * v).sum::<f32>();
    let predicted: f32 = held.iter().map(|p| size(&world.predict(&predictor, *p).values)).sum();
    let truth: f32 = held.iter().map(|p| size(&world.truth[*p as usize])).sum();
    assert!(predicted < 0.05 * truth, "{predicted} of {truth}");
}

#[test]
fn what_is_held_out_changes_nothing() {
    let split = Split::Entries { share: 0.2, seed: 3 };
    let one = world(40, 2, 0.6, 5);
    let mut other = world(40, 2, 0.6, 5);
    let keys = other.dataset.profiles.keys().to_vec();
    let changed: Vec<Vec<f32>> = (0..keys.len())
        .map(|profile| {
            let row = one.dataset.profiles.row(profile).into_iter().enumerate();
            row.map(|(r, value)| if split.holds_out(profile, r) { 100.0 } else { value }).collect()
        })
        .collect();
    other.dataset = dataset(40, 2, keys, &changed);
    let (a, b) = (one.fit(&split), other.fit(&split));
    for profile in 0..120 {
        assert_eq!(one.predict(&a, profile), other.predict(&b, profile));
    }
}

#[test]
fn the_thread_count_does_not_change_a_bit() {
    let world = world(120, 2, 0.6, 9);
    let fit = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let predictor = pool.install(|| world.fit(&Split::None));
        let rows = (0..360).flat_map(|profile| world.predict(&predictor, profile).values);
        rows.map(f32::to_bits).collect::<Vec<u32>>()
    };
    assert_eq!(fit(1), fit(3));
}

#[test]
fn evidence_says_where_a_prediction_comes_from() {
    let world = world(60, 6, 0.8, 13);
    let all_of_the_first = (0..6).collect();
    let predictor = world.fit(&Split::Profiles(all_of_the_first));
    let nothing = predictor.predict(0, 2).unwrap();
    assert_eq!(nothing.evidence, Evidence::Nothing);
    assert!(nothing.values.iter().all(|value| *value == 0.0) && !nothing.measured.contains(&true));

    let predictor = world.fit(&Split::Profiles(vec![0, 9]));
    // At most four profiles are estimated together, so of the five others some are not used.
    let elsewhere = predictor.predict(1, 3).unwrap();
    assert!(matches!(&elsewhere.evidence, Evidence::OtherContexts(from) if !from.contains(&3)));
    assert!(!elsewhere.measured.contains(&true));
    let there = predictor.predict(1, 4).unwrap();
    assert_eq!(there.evidence, Evidence::Measured);
    let row = world.dataset.profiles.row(10);
    assert!(there.measured.iter().zip(&row).all(|(measured, value)| *measured != value.is_nan()));
    assert!(there.spread.iter().all(|spread| *spread == 0.0), "one member has no spread");
    let expected = 0.5 * NOISE..1.6 * NOISE;
    assert!(there.noise.iter().all(|noise| expected.contains(noise)), "{:?}", there.noise);
}

#[test]
fn what_cannot_be_learned_is_refused() {
    let world = world(30, 2, 0.6, 17);
    let predictor = world.fit(&Split::None);
    let message =
        |perturbation, context| predictor.predict(perturbation, context).unwrap_err().to_string();
    assert_eq!(
        message(3, 2),
        "`compound 3` in `assay 2`: no chemical perturbation was measured there to learn from; \
         choose one of: assay 0, assay 1"
    );
    assert_eq!(message(60, 0), "`perturbation` must be below 60, but is 60");
    assert_eq!(message(0, 3), "`context` must be below 3, but is 3");
    for (readouts, dim) in
        [(vec![], 3), (vec![1.0, 2.0], 3), (vec![f32::NAN; 3], 3), (vec![1.0], 0)]
    {
        assert!(ReadoutWeights::new(&readouts, &[0.0; 3], dim).is_err());
    }
    let other = ReadoutWeights::new(&[1.0; 2 * DIM], &[0.0; 3], DIM).unwrap();
    for members in [vec![], vec![other]] {
        let error = ResponsePredictor::fit(&world.dataset, &Split::None, &members).unwrap_err();
        assert!(error.to_string().contains("do not fit it; take those of models trained on it"));
    }
}

#[test]
fn constant_values_and_weights_of_zero_are_no_reason_to_fail() {
    let keys: Vec<ProfileKey> =
        (0..8).map(|i| ProfileKey { perturbation: i / 2, context: i % 2 }).collect();
    for value in [0.0, 1.0, 1e-6] {
        let data = dataset(4, 2, keys.clone(), &vec![vec![value; READOUTS]; 8]);
        for weight in [0.0, 1.0] {
            let readouts = [weight; READOUTS * DIM];
            let weights = ReadoutWeights::new(&readouts, &[0.0; 3], DIM).unwrap();
            let predictor = ResponsePredictor::fit(&data, &Split::None, &[weights]).unwrap();
            let values = predictor.predict(1, 1).unwrap().values;
            assert!(values.iter().all(|v| v.is_finite()), "{value} {weight}: {values:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    /// The basis of an embedding is arbitrary: turning zR turns z and leaves the responses.
    #[test]
    fn responses_do_not_depend_on_the_basis_of_the_embedding(angle in 0.0_f32..6.3, seed in 0_u64..50) {
        let planted = world(30, 2, 0.6, seed);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let readouts: Vec<f32> = (0..READOUTS * DIM).map(|_| normal(&mut rng)).collect();
        let (sin, cos) = angle.sin_cos();
        let turned: Vec<f32> = readouts
            .chunks_exact(DIM)
            .flat_map(|r| [cos * r[0] - sin * r[1], sin * r[0] + cos * r[1], r[2]])
            .collect();
        let fit = |readouts: &[f32]| {
            let weights = ReadoutWeights::new(readouts, &[0.0; 3], DIM).unwrap();
            ResponsePredictor::fit(&planted.dataset, &Split::Profiles(vec![1, 5]), &[weights])
        };
        let (one, other) = (fit(&readouts).unwrap(), fit(&turned).unwrap());
        for profile in [0, 1, 5, 60] {
            let pairs = planted.predict(&one, profile).values;
            let pairs = pairs.into_iter().zip(planted.predict(&other, profile).values);
            for (a, b) in pairs {
                prop_assert!((a - b).abs() < 1e-3, "{a} {b}");
            }
        }
    }
}
