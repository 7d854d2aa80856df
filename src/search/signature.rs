use std::borrow::Cow;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::query::{Correction, Direction, Scope, Via};
use super::significance::QueryActivity;
use super::subject::{Origin, Subject};
use crate::calibrate::correlation;
use crate::dataset::shuffle_profile;
use crate::error::{Error, Result};
use crate::experiment::{PerturbationType, Side};
use crate::index::{AlignedProfile, Filter, Index, KnownScreen, ReadoutNames, StoredPlacement};
pub use crate::index::{FEWEST_READOUTS, ProfileUnits};
use crate::table::lookup_key;

/// Unknown readouts that are compared with all known names; there may be a genome of them.
const MOST_SUGGESTED: usize = 20;
/// A fifth of the readouts is held out at a time.
const FOLDS: u64 = 5;
const SEED: u64 = 17;
/// Shuffles of a signature that show what its fit would be by chance.
const SHUFFLES: u64 = 100;
/// Shuffles that are enough to choose among contexts.
const FEW_SHUFFLES: u64 = 10;

/// A profile of one's own: what a perturbation that the index does not hold does to its readouts.
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    /// The name under which it is reported.
    pub name: String,
    /// Readouts and values; any subset of the index's readouts, each once.
    pub values: Vec<(String, f32)>,
}

/// A search with a signature.
#[derive(Debug, Clone, PartialEq)]
pub struct SignatureQuery {
    /// The signature.
    pub signature: Signature,
    /// The context whose profiles it resembles; where none is named, the chemical one whose held-out
    /// fit is farthest above chance.
    pub context: Option<String>,
    /// In which units the values are, and so what of the context's normalisation is applied.
    pub units: ProfileUnits,
    /// Which side is searched; the signature is on the side of its context.
    pub scope: Scope,
    /// What hits must satisfy.
    pub filter: Filter,
    /// How many hits.
    pub k: usize,
    /// How neighbours are found.
    pub via: Via,
    /// Which effect hits have.
    pub direction: Direction,
    /// What q-values are corrected for.
    pub correction: Correction,
}

impl SignatureQuery {
    /// Creates a query for the ten nearest perturbations of the other side.
    #[must_use]
    pub fn new(signature: Signature) -> Self {
        Self {
            signature,
            context: None,
            units: ProfileUnits::Screen,
            scope: Scope::default(),
            filter: Filter::default(),
            k: 10,
            via: Via::default(),
            direction: Direction::default(),
            correction: Correction::default(),
        }
    }
}

/// How a signature was placed, and how well the model explains it.
#[derive(Debug, Clone, PartialEq)]
pub struct SignatureFit {
    /// The context as whose profile it was folded in.
    pub context: String,
    /// Whether the context was chosen by its fit.
    pub is_guessed: bool,
    /// Whether the context's normalisation was applied.
    pub is_normalised_here: bool,
    /// Readouts of the signature that the index knows.
    pub n_matched: usize,
    /// Readouts of the signature that it does not know, with the closest known name where there is one.
    pub unmatched: Vec<(String, Option<String>)>,
    /// Correlation of predicted and given values, each predicted by the ensemble's first member from the
    /// other four fifths.
    pub held_out_r: f64,
    /// Share of the held-out values' squares explained; below 0 when nothing would be better.
    pub held_out_r2: f64,
    /// The correlation that five of 100 shuffles of the signature's values over its readouts exceed. It
    /// need not be near 0: subtracting the readouts' known means leaves a pattern in any values.
    pub chance_r: f64,
}

impl SignatureFit {
    /// Returns whether the model explains more of the signature than chance does.
    #[must_use]
    pub fn explains(&self) -> bool {
        self.held_out_r > self.chance_r
    }
}

impl KnownScreen<'_> {
    /// Predicts each fifth of the values from the others; returns the correlation with what was given
    /// and the share of squares explained.
    fn held_out_fit(&self, stored: &StoredPlacement, raw: &[f32]) -> Result<(f64, f64)> {
        let values = self.normalise(raw)?;
        let mut pairs = Vec::new();
        for fold in 0..FOLDS {
            let fold_of = |readout: &String| xxh3_64_with_seed(readout.as_bytes(), SEED) % FOLDS;
            let is_held: Vec<bool> =
                stored.readouts.iter().map(|readout| fold_of(readout) == fold).collect();
            let shown = values.iter().zip(&is_held);
            let shown: Vec<f32> =
                shown.map(|(value, held)| if *held { f32::NAN } else { *value }).collect();
            if shown.iter().all(|value| value.is_nan()) {
                continue;
            }
            // One member tells as much of the fit as five, at a fifth of the time.
            let Some(member) = stored.placement.members().first() else { continue };
            let predicted = member.complete(self.position, &shown)?;
            let all = values.iter().zip(predicted).zip(is_held);
            let held = all.filter(|((value, _), is_held)| *is_held && !value.is_nan());
            pairs.extend(
                held.map(|((value, predicted), _)| (f64::from(*value), f64::from(predicted))),
            );
        }
        Ok((correlation(&pairs), share_explained(&pairs)))
    }

    /// Says how well the model explains the signature as a profile of this context.
    fn fit(
        &self,
        stored: &StoredPlacement,
        aligned: Aligned,
        is_guessed: bool,
    ) -> Result<SignatureFit> {
        let (held_out_r, held_out_r2) = self.held_out_fit(stored, &aligned.profile.values)?;
        let mut chance = self.chance(stored, &aligned.profile.values, SHUFFLES)?;
        chance.sort_by(f64::total_cmp);
        Ok(SignatureFit {
            context: self.name.to_owned(),
            is_guessed,
            is_normalised_here: self.normalises(),
            n_matched: aligned.profile.n_matched,
            unmatched: aligned.unmatched,
            held_out_r,
            held_out_r2,
            chance_r: chance.get(chance.len() * 95 / 100).copied().unwrap_or(f64::INFINITY),
        })
    }

    /// The correlations of as many shuffles of the values over the readouts that have one.
    fn chance(&self, stored: &StoredPlacement, raw: &[f32], n: u64) -> Result<Vec<f64>> {
        let shuffles = (0..n).into_par_iter().map(|shuffle| {
            let shuffled = shuffle_profile(raw, SEED ^ (shuffle << 32));
            Ok(self.held_out_fit(stored, &shuffled)?.0)
        });
        shuffles.collect()
    }
}

/// A signature as a profile of a context of the index.
pub(super) struct ProfileOfContext<'a> {
    pub(super) stored: &'a StoredPlacement,
    /// What the readouts of the fold-in are called.
    pub(super) names: Cow<'a, ReadoutNames>,
    /// The context's position.
    pub(super) context: u32,
    pub(super) perturbation_type: PerturbationType,
    /// In the context's normalised units, NaN where the signature has no value.
    pub(super) values: Vec<f32>,
    pub(super) fit: SignatureFit,
}

impl<'a> ProfileOfContext<'a> {
    /// Aligns and normalises a signature, in the context that is named or fits best.
    pub(super) fn of(index: &'a Index, query: &SignatureQuery) -> Result<Self> {
        let stored = stored_placement(index)?;
        let names = ReadoutNames::of_model(index, &stored.readouts);
        let aligned = Aligned::of(&names, &query.signature);
        aligned.require_enough(stored, &query.signature)?;
        let candidates = candidates(index, stored, query)?;
        let candidate = choose(stored, &aligned.profile.values, &candidates)?;
        let values = candidate.normalise(&aligned.profile.values)?;
        let is_guessed = query.context.is_none() && candidates.len() > 1;
        let fit = candidate.fit(stored, aligned, is_guessed)?;
        let (context, perturbation_type) = (candidate.position, candidate.perturbation_type);
        Ok(Self { stored, names, context, perturbation_type, values, fit })
    }
}

impl Subject {
    /// Places a signature by folding it in.
    pub(super) fn place(index: &Index, query: &SignatureQuery) -> Result<Self> {
        let ProfileOfContext { stored, context, perturbation_type: kind, values, fit, .. } =
            ProfileOfContext::of(index, query)?;
        let profile = [(context, values.as_slice())];
        let placed = stored.placement.place_measured(kind.side(), &profile)?;
        let predicted = stored.placement.respond(&profile)?;
        let is_comparable = index.readout_names().symbols() == stored.readouts;
        let response = index.project_response(&predicted, kind.side()).filter(|_| is_comparable);
        let activity = index.calibration().and_then(|table| {
            let known = table.strength_of(placed.length, context, kind);
            known.map(|(strength, percentile)| QueryActivity {
                percentile,
                strength,
                agreement: None,
            })
        });
        let (name, origin) = (&query.signature.name, Origin::Signature(fit));
        let subject = Self::unmeasured(name, kind, name, placed.vector, origin);
        Ok(Self { activity, response, ..subject })
    }
}

/// What places signatures, where an index has it.
pub(super) fn stored_placement(index: &Index) -> Result<&StoredPlacement> {
    index.placement()?.ok_or_else(|| {
        Error::data(
            format!("index `{}`", index.manifest().name),
            "it cannot place a signature: it holds no weights of a product head",
            "build one with `phenocopy build` and the default head",
        )
    })
}

/// The candidate whose fit is farthest above chance.
fn choose<'a, 'b>(
    stored: &StoredPlacement,
    raw: &[f32],
    candidates: &'b [KnownScreen<'a>],
) -> Result<&'b KnownScreen<'a>> {
    let mut best: Option<(f64, &KnownScreen<'_>)> = None;
    for candidate in candidates {
        let (r, _) = candidate.held_out_fit(stored, raw)?;
        let chance = candidate.chance(stored, raw, FEW_SHUFFLES)?;
        let margin = r - chance.iter().sum::<f64>() / chance.len() as f64;
        if best.is_none_or(|(most, _)| margin > most) {
            best = Some((margin, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
        .ok_or_else(|| Error::data("signature", "the index has no context", "rebuild the index"))
}

/// A signature at the index's readouts.
struct Aligned {
    profile: AlignedProfile,
    /// Readouts that the index does not know, with the closest known name where most are unknown.
    unmatched: Vec<(String, Option<String>)>,
}

impl Aligned {
    fn of(names: &ReadoutNames, signature: &Signature) -> Self {
        let values = signature.values.iter().map(|(name, value)| (name.as_str(), *value));
        let profile = names.align(values);
        // Where most are known, the others are readouts that the index lacks, not misspelt ones.
        let is_misspelt = profile.n_matched < profile.unmatched.len();
        let close = |(at, name): (usize, &String)| {
            let close = (is_misspelt && at < MOST_SUGGESTED).then(|| names.closest(name)).flatten();
            (name.clone(), close)
        };
        Self { unmatched: profile.unmatched.iter().enumerate().map(close).collect(), profile }
    }

    fn require_enough(&self, stored: &StoredPlacement, signature: &Signature) -> Result<()> {
        let n_matched = self.profile.n_matched;
        if n_matched >= FEWEST_READOUTS {
            return Ok(());
        }
        let close = self.unmatched.iter().find_map(|(name, close)| Some((name, close.as_ref()?)));
        let example = stored.readouts.first().map_or("", String::as_str);
        let advice = match close {
            Some((name, close)) => {
                format!("`{name}` might be `{close}`; readouts are spelt as in the recipe's tables")
            }
            None => format!("spell readouts as the recipe's tables do, such as `{example}`"),
        };
        Err(Error::data(
            format!("signature `{}`", signature.name),
            format!(
                "{n_matched} of its {} readouts are known to the index, and {FEWEST_READOUTS} are needed",
                signature.values.len()
            ),
            advice,
        ))
    }
}

/// The context that is named; otherwise all chemical ones, or all where there is none.
fn candidates<'a>(
    index: &'a Index,
    stored: &'a StoredPlacement,
    query: &SignatureQuery,
) -> Result<Vec<KnownScreen<'a>>> {
    let all = KnownScreen::all(index, stored, query.units);
    let Some(wanted) = query.context.as_ref() else {
        // A guess across the sides would follow the noise of the screens, not the nature of the signature.
        let is_chemical = |c: &KnownScreen<'_>| c.perturbation_type.side() == Side::Chemical;
        let has_chemical = all.iter().any(is_chemical);
        return Ok(all.into_iter().filter(|c| is_chemical(c) || !has_chemical).collect());
    };
    let chosen = all.into_iter().find(|c| lookup_key(c.name) == lookup_key(wanted));
    let expected = || format!("one of {}", stored.contexts.join(", "));
    chosen.map(|c| vec![c]).ok_or_else(|| Error::parameter("context", expected(), wanted))
}

fn share_explained(pairs: &[(f64, f64)]) -> f64 {
    let total: f64 = pairs.iter().map(|(value, _)| value * value).sum();
    let left: f64 = pairs.iter().map(|(value, predicted)| (value - predicted).powi(2)).sum();
    if total > 0.0 { 1.0 - left / total } else { 0.0 }
}
