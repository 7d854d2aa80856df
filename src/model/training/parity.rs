// Parity with PyTorch 2.15 (f64). The numbers below are the output of this program:
//
// import torch
// from torch import nn, sin, cos, arange
// torch.set_default_dtype(torch.float64)
//
// def fill(k, *shape):  # the k-th weight tensor of the test
//     n = torch.Size(shape).numel()
//     return nn.Parameter((0.4 * sin(1 + 0.37 * arange(n) + 1.3 * k)).reshape(shape))
//
// def run(head):
//     zP, zC, zR = fill(0, 5, 4), fill(1, 2, 4), fill(2, 6, 4)
//     if head == "product":
//         rest = [fill(3, 2, 1)]
//     else:
//         rest = [fill(3, 5, 12), fill(4, 5), fill(5, 3, 5), fill(6, 3), fill(7, 1, 3), fill(8, 1)]
//     weights = [zP, zC, zR] + rest
//     optimiser = torch.optim.AdamW(weights, lr=0.01, weight_decay=0.1)
//     bags, offsets = torch.tensor([0, 1, 2, 3, 4]), torch.tensor([0, 1, 2, 4])
//     contexts, readouts = torch.tensor([0, 1, 0, 1]), torch.tensor([5, 0, 3])
//     targets = cos(arange(12)).reshape(4, 3)
//     mask = torch.ones(4, 3, dtype=torch.bool); mask[1, 2] = False
//
//     def forward():
//         p = nn.functional.embedding_bag(bags, zP, offsets, mode="mean")
//         c, r = zC[contexts], zR[readouts]
//         if head == "product":
//             return torch.einsum("nk,nk,mk->nm", p, c, r) + rest[0][contexts]
//         x = torch.cat([c[:, None].expand(4, 3, 4), p[:, None].expand(4, 3, 4), r[None].expand(4, 3, 4)], dim=2)
//         for w, b in [(rest[0], rest[1]), (rest[2], rest[3])]:
//             x = torch.relu(nn.functional.linear(x, w, b))
//         return nn.functional.linear(x, rest[4], rest[5]).squeeze(2)
//
//     print(head, "predictions", [round(v, 7) for v in forward().flatten().tolist()])
//     for _ in range(3):
//         loss = nn.functional.mse_loss(forward()[mask], targets[mask])
//         optimiser.zero_grad(); loss.backward(); optimiser.step()
//         print(" loss", round(loss.item(), 7))
//     print(" weights", [round(w.flatten()[1 % w.numel()].item(), 7) for w in weights])
//     print(" sums", [round(w.sum().item(), 7) for w in weights])
//
// run("concat"); run("product")

use std::sync::Arc;

use super::batch::Block;
use super::trainer::{CandleTrainer, Trainer};
use crate::dataset::{Dataset, Profiles, StorageLimits};
use crate::experiment::{Context, Perturbation, PerturbationType, Readout};
use crate::model::bag::EmbeddingBag;
use crate::model::config::{Head, LpmConfig};
use crate::model::engine::{Engine, State, StepId, TensorState};
use crate::model::network::{Network, TableSizes, Weights};
use crate::model::vocabulary::Vocabularies;

/// What the program prints for one head.
struct Reference<'a> {
    predictions: [f32; 12],
    losses: [f32; 3],
    weights: &'a [f32],
    sums: &'a [f32],
}

fn dataset() -> Dataset {
    let compound = |agent: &str| Perturbation::new(PerturbationType::Compound, agent);
    Dataset::from_profiles(
        "parity",
        ["a", "b", "c+d", "e"].map(compound).into(),
        ["x", "y"].map(|name| Context(name.to_owned())).into(),
        (0..6).map(|i| Readout(i.to_string())).collect(),
        Profiles::collect(Vec::new(), 6, StorageLimits::default(), |_, _| Ok(())).unwrap(),
    )
    .unwrap()
}

fn weights(config: &LpmConfig, sizes: TableSizes) -> Weights {
    let mut tensor = -1.0;
    Weights::build(config, sizes, &candle_core::Device::Cpu, |specification| {
        tensor += 1.0;
        let value = |i: usize| (0.4 * (1.0 + 0.37 * i as f64 + 1.3 * tensor).sin()) as f32;
        Ok((0..specification.n_values()).map(value).collect())
    })
    .unwrap()
}

fn state(weights: &Weights) -> State {
    let tensors = weights.values().unwrap().into_iter().map(TensorState::new).collect();
    State { tensors, steps: 0 }
}

/// Both ways to make steps, from the same weights.
fn trainers(
    config: &LpmConfig,
    sizes: TableSizes,
    bag: &Arc<EmbeddingBag>,
    state: &State,
) -> [Trainer; 2] {
    let device = candle_core::Device::Cpu;
    let candle = CandleTrainer::new(config, sizes, Arc::clone(bag), state, &device);
    [
        Trainer::Engine(Engine::new(config, Arc::clone(bag), state)),
        Trainer::Candle(Box::new(candle.unwrap())),
    ]
}

fn block() -> Block {
    let mut values: Vec<f32> = (0..12).map(|i| (i as f32).cos()).collect();
    values[5] = f32::NAN;
    Block { pairs: vec![(0, 0), (1, 1), (2, 0), (3, 1)], readouts: vec![5, 0, 3], values }
}

fn assert_close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    let is_close = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5 * b.abs().max(1.0));
    assert!(is_close, "found {found:?}, expected {expected:?}");
}

fn assert_parity(head: Head, reference: &Reference<'_>) {
    let config = LpmConfig {
        head,
        embedding_dim: 4,
        hidden_widths: vec![5, 3],
        dropout: 0.0,
        learning_rate: 0.01,
        weight_decay: 0.1,
        ..LpmConfig::default()
    };
    let dataset = dataset();
    let words = Vocabularies::of(&dataset);
    let (sizes, bag) = (TableSizes::from(&words), Arc::new(words.bag().unwrap()));
    let network = Network::new(&config, weights(&config, sizes)).unwrap();
    let readouts = network.project_readouts(&block().readouts).unwrap();
    let pairs = network.project(&bag, &block().pairs, None).unwrap();
    let predictions = network.predict_block(&pairs, &readouts, None).unwrap();
    assert_close(&predictions.flatten_all().unwrap().to_vec1().unwrap(), &reference.predictions);
    let entries = [(0, 1), (3, 2)];
    let entries = network.predict_entries(&pairs, &readouts, &entries).unwrap();
    assert_close(&entries, &[reference.predictions[1], reference.predictions[11]]);

    for mut trainer in trainers(&config, sizes, &bag, &state(network.weights())) {
        let step = |step| {
            let id = StepId { seed: 0, epoch: 1, step };
            (trainer.step(&block(), config.learning_rate, id).unwrap() / 11.0) as f32
        };
        let losses: Vec<f32> = (0..3).map(step).collect();
        assert_close(&losses, &reference.losses);
        let trained = &trainer.state().unwrap().tensors;
        let seconds: Vec<f32> = trained.iter().map(|w| w.value[1 % w.value.len()]).collect();
        assert_close(&seconds, reference.weights);
        let sums: Vec<f32> = trained.iter().map(|w| w.value.iter().sum()).collect();
        assert_close(&sums, reference.sums);
    }
}

/// A block in which contexts, combinations and missing values occur, at sizes that fill no panel.
fn irregular(config: &LpmConfig) -> (TableSizes, Arc<EmbeddingBag>, State, Block) {
    let mut bag = EmbeddingBag::default();
    for perturbation in 0..150_u32 {
        let tokens = [3, 7, 11];
        let single = [perturbation % 6];
        bag.push(if perturbation % 10 == 3 { &tokens } else { &single });
    }
    let sizes = TableSizes { tokens: 12, contexts: 5, readouts: 50 };
    let values = |i: u32| {
        let value = ((i * 7919 + 13) % 101) as f32 / 50.0 - 1.0;
        if i % 9 == 4 { f32::NAN } else { value }
    };
    let block = Block {
        pairs: (0..147).map(|i| (i, i % 4)).collect(),
        readouts: (0..45).map(|i| (i * 7) % 50).collect(),
        values: (0..147 * 45).map(values).collect(),
    };
    let state = state(&weights(config, sizes));
    (sizes, Arc::new(bag), state, block)
}

#[test]
fn the_engines_gradients_equal_automatic_differentiation() {
    let concat = |widths: &[usize]| LpmConfig {
        head: Head::Concat,
        embedding_dim: 37,
        hidden_widths: widths.to_vec(),
        dropout: 0.0,
        ..LpmConfig::default()
    };
    let product = LpmConfig { embedding_dim: 37, dropout: 0.0, ..LpmConfig::default() };
    let configs = [
        product,
        concat(&[40]),
        concat(&[40, 65]),
        concat(&[33, 70, 32]),
        concat(&[64, 32, 40, 31]),
    ];
    for config in configs {
        let (sizes, bag, state, block) = irregular(&config);
        // The first moments after one step are a tenth of the gradients.
        let [engine, candle] = trainers(&config, sizes, &bag, &state).map(|mut trainer| {
            let id = StepId { seed: 0, epoch: 1, step: 1 };
            let loss = trainer.step(&block, 1e-3, id).unwrap();
            let gradients = |state: &State| -> Vec<Vec<f32>> {
                state.tensors.iter().map(|tensor| tensor.first.clone()).collect()
            };
            (loss, gradients(&trainer.state().unwrap()))
        });
        assert!((engine.0 - candle.0).abs() < 1e-4 * candle.0, "{} {}", engine.0, candle.0);
        for (tensor, (a, b)) in engine.1.iter().zip(&candle.1).enumerate() {
            let size = b.iter().fold(1e-9_f32, |size, g| size.max(g.abs()));
            let worst = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-4 * size, "tensor {tensor} of {config:?}: {worst} of {size}");
        }
    }
}

/// With the same dropout the loss is a function of the weights; steps along its gradient show whether
/// the engine differentiates what it computes.
#[test]
fn the_engines_gradients_under_dropout_equal_finite_differences() {
    let concat = LpmConfig {
        head: Head::Concat,
        embedding_dim: 8,
        hidden_widths: vec![40, 33],
        dropout: 0.3,
        ..LpmConfig::default()
    };
    let product = LpmConfig { embedding_dim: 8, dropout: 0.3, ..LpmConfig::default() };
    for config in [concat, product] {
        let (_, bag, state, block) = irregular(&config);
        let id = StepId { seed: 5, epoch: 1, step: 9 };
        let n = block.n_values() as f64;
        let loss = |state: &State| {
            Engine::new(&config, Arc::clone(&bag), state).step(&block, 1e-3, id) / n
        };
        let mut engine = Engine::new(&config, Arc::clone(&bag), &state);
        engine.step(&block, 1e-3, id);
        let moments = engine.state();
        for (at, tensor) in moments.tensors.iter().enumerate() {
            let squared: f64 = tensor.first.iter().map(|g| f64::from(*g * 10.0).powi(2)).sum();
            if squared < 1e-12 {
                continue;
            }
            let step = 1e-3 / squared.sqrt();
            let shifted = |sign: f64| {
                let mut shifted = state.clone();
                for (w, g) in shifted.tensors[at].value.iter_mut().zip(&tensor.first) {
                    *w += (sign * step * f64::from(*g) * 10.0) as f32;
                }
                loss(&shifted)
            };
            let slope = (shifted(1.0) - shifted(-1.0)) / (2.0 * step);
            assert!((slope - squared).abs() < 0.02 * squared, "tensor {at}: {slope} {squared}");
        }
    }
}

#[test]
fn the_engines_steps_do_not_depend_on_threads() {
    for head in [Head::Concat, Head::Product] {
        let config = LpmConfig {
            head,
            embedding_dim: 37,
            hidden_widths: vec![40, 65],
            dropout: 0.2,
            ..LpmConfig::default()
        };
        let (_, bag, state, block) = irregular(&config);
        let train = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut engine = Engine::new(&config, Arc::clone(&bag), &state);
            pool.install(|| {
                for step in 0..5 {
                    engine.step(&block, 1e-2, StepId { seed: 1, epoch: 1, step });
                }
                engine.state()
            })
        };
        assert!(train(1) == train(3), "{head}");
    }
}

#[test]
fn the_concat_head_equals_pytorch_in_prediction_loss_and_adamw_steps() {
    assert_parity(
        Head::Concat,
        &Reference {
            predictions: [
                -0.5452541, -0.5525739, -0.5561242, -0.5081065, -0.50297, -0.6058753, -0.5489783,
                -0.5364172, -0.5166801, -0.5230961, -0.533328, -0.6388033,
            ],
            losses: [0.7813382, 0.7492616, 0.7210924],
            weights: &[
                0.360976, 0.1516902, -0.2641321, -0.3682634, 0.0830406, 0.3691931, 0.1005101,
                -0.3449774, -0.3367385,
            ],
            sums: &[
                1.1348117, -0.9466773, -1.9701108, 0.1743011, 0.9278766, -0.6273115, 0.2581086,
                -0.9585163, -0.3367385,
            ],
        },
    );
}

#[test]
fn the_product_head_equals_pytorch_in_prediction_loss_and_adamw_steps() {
    assert_parity(
        Head::Product,
        &Reference {
            predictions: [
                -0.4579446, -0.4231415, -0.3294215, -0.3171449, -0.3494633, -0.3652889, -0.3389057,
                -0.3649437, -0.4452986, -0.2014751, -0.17622, -0.4544369,
            ],
            losses: [0.7081299, 0.6876921, 0.6683755],
            weights: &[0.3609639, 0.1515521, -0.2641396, -0.3683169],
            sums: &[0.7112483, -0.9452417, -1.9737965, -0.730164],
        },
    );
}
