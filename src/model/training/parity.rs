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

use super::batch::Block;
use super::data::TrainingData;
use super::report::Phase;
use super::run::Run;
use crate::dataset::{Dataset, Profiles, Split, StorageLimits};
use crate::experiment::{Context, Perturbation, PerturbationType, Readout};
use crate::model::adamw::AdamW;
use crate::model::config::{Head, LpmConfig};
use crate::model::network::{Network, TableSizes, Weights};
use crate::model::randomness::{Dropout, Purpose, stream};
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

fn weights(config: &LpmConfig, words: &Vocabularies) -> Weights {
    let mut tensor = -1.0;
    Weights::build(config, TableSizes::from(words), |specification| {
        tensor += 1.0;
        let value = |i: usize| (0.4 * (1.0 + 0.37 * i as f64 + 1.3 * tensor).sin()) as f32;
        Ok((0..specification.n_values()).map(value).collect())
    })
    .unwrap()
}

fn block() -> Block {
    let mut mask = vec![1.0; 12];
    mask[5] = 0.0;
    Block {
        pairs: vec![(0, 0), (1, 1), (2, 0), (3, 1)],
        readouts: vec![5, 0, 3],
        targets: (0..12).map(|i| (i as f32).cos()).collect(),
        mask,
    }
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
    let bag = words.bag().unwrap();
    let network = Network::new(&config, weights(&config, &words)).unwrap();
    let readouts = network.project_readouts(&block().readouts).unwrap();
    let pairs = network.project(&bag, &block().pairs, None).unwrap();
    let predictions = network.predict_block(&pairs, &readouts, None).unwrap();
    assert_close(&predictions.flatten_all().unwrap().to_vec1().unwrap(), &reference.predictions);
    let entries = [(0, 1), (3, 2)];
    let entries = network.predict_entries(&pairs, &readouts, &entries).unwrap();
    assert_close(&entries, &[reference.predictions[1], reference.predictions[11]]);

    let optimiser = AdamW::new(network.weights().variables(), config.weight_decay).unwrap();
    let held_out = Split::None;
    let data = TrainingData { dataset: &dataset, bag: &bag, excluded: &Split::None, held_out };
    let reports = Vec::new();
    let (phase, planned_epochs) = (Phase::Member, 1);
    let mut run = Run { data, config, phase, planned_epochs, network, optimiser, reports };
    let mut dropout = Dropout::new(0.0, stream(0, 0, Purpose::Dropout));
    let losses: Vec<f32> =
        (0..3).map(|_| run.step(block(), 11, &mut dropout, 1).unwrap()).collect();
    assert_close(&losses, &reference.losses);
    let flat =
        |tensor: &candle_core::Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let trained: Vec<Vec<f32>> = run.network.weights().named().map(|(_, w)| flat(w)).collect();
    let seconds: Vec<f32> = trained.iter().map(|w| w[1 % w.len()]).collect();
    assert_close(&seconds, reference.weights);
    let sums: Vec<f32> = trained.iter().map(|w| w.iter().sum()).collect();
    assert_close(&sums, reference.sums);
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
