use rayon::prelude::*;

use super::space::NetworkSpace;
use crate::calibrate::{ClassKind, MechanismClass, q_values};
use crate::embedding::similarity;
use crate::index::Record;

/// Perturbations whose neighbourhoods show chance, at most; of more, as many at equal distances.
const MOST_SEEDS: usize = 2_000;
/// Fewer members of a class in a community are no sharing.
const FEWEST_SHARING: usize = 2;

/// A mechanism or target that several members of a community are annotated with.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedMechanism {
    /// What is shared.
    pub kind: ClassKind,
    /// The mechanism, or the gene that compounds act on.
    pub name: String,
    /// Members of the community that are annotated with it.
    pub n_sharing: usize,
    /// Nodes of the network that are.
    pub n_annotated: usize,
    /// Share of perturbations without the annotation around which as many nodes hold as many of it; never 0.
    pub p_value: f64,
    /// Share of false ones up to this p-value, over all communities and their classes.
    pub q_value: f64,
}

/// Groups nodes by what they are annotated with.
pub(super) fn classes(records: &[Record]) -> Vec<MechanismClass> {
    MechanismClass::group(records.iter().zip(0..).flat_map(|(record, at)| {
        let moas = record.annotation.moas.iter().map(|moa| (ClassKind::Moa, moa.0.as_str()));
        let targets = record.acts_on().into_iter().map(|gene| (ClassKind::Target, gene));
        let named = moas.chain(targets).filter(|(_, name)| !name.is_empty());
        named.map(move |(kind, name)| (at, kind, name)).collect::<Vec<_>>()
    }))
}

/// Says of each community which classes its members share, and how often chance does that.
///
/// Members of a class lie together, so that a hypergeometric test finds "enriched" classes around anything. Here chance is
/// the neighbourhood, of as many nodes, of each perturbation that is not annotated with the class and not in the
/// community: what a group that was formed the same way elsewhere would hold of it.
pub(super) fn shared_mechanisms(
    space: &NetworkSpace,
    classes: &[MechanismClass],
    communities: &[Vec<usize>],
) -> Vec<Vec<SharedMechanism>> {
    let tests = tests(classes, communities);
    let step = space.len().div_ceil(MOST_SEEDS).max(1);
    let seeds: Vec<usize> = (0..space.len()).step_by(step).collect();
    let zero = || vec![(0_u32, 0_u32); tests.len()];
    let add = |mut sums: Vec<(u32, u32)>, seed: &usize| {
        let ranks = ranks_around(space, *seed);
        for (test, (n_seeds, n_as_many)) in tests.iter().zip(&mut sums) {
            let (class, community) = (&classes[test.class], &communities[test.community]);
            let is_own = class.members.binary_search(&(*seed as u32)).is_ok();
            if is_own || community.binary_search(seed).is_ok() {
                continue;
            }
            let is_near = |member: &&u32| ranks[**member as usize] < community.len() as u32;
            *n_seeds += 1;
            *n_as_many += u32::from(class.members.iter().filter(is_near).count() >= test.n_sharing);
        }
        sums
    };
    let join = |mut a: Vec<(u32, u32)>, b: Vec<(u32, u32)>| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a = (a.0 + b.0, a.1 + b.1));
        a
    };
    let counts = seeds.par_iter().fold(zero, add).reduce(zero, join);
    let p = |(n_seeds, n_as_many): &(u32, u32)| f64::from(1 + n_as_many) / f64::from(1 + n_seeds);
    let p_values: Vec<f64> = counts.iter().map(p).collect();
    let mut shared = vec![Vec::new(); communities.len()];
    for ((test, p_value), q_value) in tests.iter().zip(&p_values).zip(q_values(&p_values)) {
        let MechanismClass { kind, name, members } = &classes[test.class];
        shared[test.community].push(SharedMechanism {
            kind: *kind,
            name: name.clone(),
            n_sharing: test.n_sharing,
            n_annotated: members.len(),
            p_value: *p_value,
            q_value,
        });
    }
    let surest = |a: &SharedMechanism, b: &SharedMechanism| {
        a.p_value.total_cmp(&b.p_value).then(b.n_sharing.cmp(&a.n_sharing))
    };
    shared.iter_mut().for_each(|of_one| of_one.sort_by(surest));
    shared
}

/// A class that members of a community share.
struct Test {
    community: usize,
    class: usize,
    n_sharing: usize,
}

fn tests(classes: &[MechanismClass], communities: &[Vec<usize>]) -> Vec<Test> {
    let mut tests = Vec::new();
    for (community, nodes) in communities.iter().enumerate() {
        for (class, MechanismClass { members, .. }) in classes.iter().enumerate() {
            let is_in = |member: &&u32| nodes.binary_search(&(**member as usize)).is_ok();
            let n_sharing = members.iter().filter(is_in).count();
            if n_sharing >= FEWEST_SHARING {
                tests.push(Test { community, class, n_sharing });
            }
        }
    }
    tests
}

/// Returns how many nodes are nearer to one than each is; of itself 0.
fn ranks_around(space: &NetworkSpace, seed: usize) -> Vec<u32> {
    let to_seed = |at: usize| similarity(space.vector(at), space.vector(seed));
    let line: Vec<f32> = (0..space.len()).map(to_seed).collect();
    let mut order: Vec<usize> = (0..space.len()).collect();
    order.sort_by(|a, b| {
        let is_other = |at: &usize| *at != seed;
        is_other(a).cmp(&is_other(b)).then(line[*b].total_cmp(&line[*a])).then(a.cmp(b))
    });
    let mut ranks = vec![0; space.len()];
    order.into_iter().zip(0..).for_each(|(at, rank)| ranks[at] = rank);
    ranks
}
