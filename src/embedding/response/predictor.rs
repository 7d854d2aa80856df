use super::chunks::{Chunk, SideChunks};
use super::member::Member;
use super::weights::ReadoutWeights;
use crate::dataset::{Dataset, Entries, Split};
use crate::error::{Error, Result};
use crate::experiment::Side;

/// Predicts the readouts of a perturbation in a context, measured there, elsewhere, or not at all.
///
/// An embedding trained for a perturbation is one compromise between its contexts, and says too much of
/// contexts in which it was never measured. Here only what training found out of readouts is kept: with
/// y = zR · z(P, C) + b(C) + ε, every profile has its own embedding z(P, C), and those of one perturbation
/// are jointly normal over the contexts of its side. Their covariances and the noise of each readout in each
/// context are learned by expectation and maximisation from the measured values (a factor analysis with
/// fixed loadings; Rubin & Thayer 1982), apart for compounds and for genes, so a prediction is as large as the
/// reproducibility between contexts allows: the Wiener filter of [`Reliability`](super::super::Reliability),
/// with missing values and several contexts. The estimation error of zR counts as noise. Nothing is held out
/// or tuned for it, and no label is used.
///
/// ```
/// use phenocopy::dataset::{Dataset, ProfileKey, Profiles, Split, StorageLimits};
/// use phenocopy::embedding::{Evidence, ReadoutWeights, ResponsePredictor};
/// use phenocopy::experiment::{Context, Perturbation, PerturbationType, Readout};
///
/// // 40 compounds in two assays that agree, but for the last, which was measured in the first only.
/// let keys: Vec<ProfileKey> =
///     (0..79).map(|i| ProfileKey { perturbation: i / 2, context: i % 2 }).collect();
/// let strength = |compound: u32| f32::from((compound * 7 % 11) as u8) / 5.0 - 1.0;
/// let profiles = Profiles::collect(keys.clone(), 8, StorageLimits::default(), |profile, row| {
///     let z = strength(keys[profile].perturbation);
///     row.iter_mut().enumerate().for_each(|(r, value)| {
///         let noise = if (r + profile) % 3 == 0 { 0.1 } else { -0.05 };
///         *value = if r % 2 == 0 { z } else { -z } + noise;
///     });
///     Ok(())
/// })?;
/// let name = |i| Perturbation::new(PerturbationType::Compound, format!("compound {i}"));
/// let dataset = Dataset::from_profiles(
///     "two assays",
///     (0..40).map(name).collect(),
///     ["assay A", "assay B"].map(|assay| Context(assay.into())).into(),
///     (0..8).map(|line| Readout(format!("line {line}"))).collect(),
///     profiles,
/// )?;
/// let weights = ReadoutWeights::new(&[1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0], &[0.0, 0.0], 1)?;
/// let predictor = ResponsePredictor::fit(&dataset, &Split::None, &[weights])?;
///
/// let unseen = predictor.predict(39, 1)?;
/// assert_eq!(unseen.evidence, Evidence::OtherContexts(vec![0]));
/// assert!((unseen.values[0] - strength(39)).abs() < 0.2, "{unseen:?}");
/// assert!(!unseen.measured[0] && predictor.predict(39, 0)?.measured[0]);
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug)]
pub struct ResponsePredictor {
    names: Names,
    observed: Entries,
    sides: Vec<SideChunks>,
    members: Vec<Member>,
}

#[derive(Debug)]
struct Names {
    perturbations: Vec<(String, Side)>,
    contexts: Vec<String>,
    n_readouts: usize,
}

/// What a prediction rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// The perturbation was measured in this context; readouts without a value are interpolated.
    Measured,
    /// It was measured in these contexts only (positions in the dataset's list).
    OtherContexts(Vec<u32>),
    /// It was measured nowhere: the prediction is the context's mean and says nothing about it.
    Nothing,
}

/// Predicted readouts of one perturbation in one context, in the dataset's normalised units.
///
/// # Shapes
/// All vectors have one number per readout.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The expected value: the mean over the ensemble. Where nothing reproduces it is near the context's
    /// mean, and also where a value was measured it is the prediction, not the measurement.
    pub values: Vec<f32>,
    /// Standard deviation between the members of the ensemble. Members share their data, so this is a lower
    /// bound of the uncertainty, not an error bar.
    pub spread: Vec<f32>,
    /// Standard deviation of measured values about what embeddings explain in this context: the error to
    /// expect at a profile that was measured itself, and less than that of one that was not.
    pub noise: Vec<f32>,
    /// Whether the value itself was measured and used.
    pub measured: Vec<bool>,
    /// What the prediction rests on.
    pub evidence: Evidence,
}

impl ResponsePredictor {
    /// Learns from what `excluded` leaves of a dataset.
    ///
    /// `members` are the readout embeddings of an ensemble trained on the same values. Cost per member and
    /// round: `O(n_profiles · (n_readouts · d² + d³))`. The result does not depend on the thread count.
    ///
    /// # Errors
    /// When there are no members, they do not fit the dataset, or their weights have diverged.
    pub fn fit(dataset: &Dataset, excluded: &Split, members: &[ReadoutWeights]) -> Result<Self> {
        let n_readouts = dataset.readouts.len();
        let fits = |member: &ReadoutWeights| {
            member.n_readouts() == n_readouts && member.offsets.len() == dataset.contexts.len()
        };
        if members.is_empty() || !members.iter().all(fits) {
            return Err(Error::data(
                format!("dataset `{}`", dataset.name),
                format!("the readout embeddings of {} models do not fit it", members.len()),
                "take those of models trained on it",
            ));
        }
        let observed = Entries::of(dataset, excluded);
        let side = |side| SideChunks::of(dataset, &observed, side);
        let sides: Vec<SideChunks> = [Side::Chemical, Side::Genetic].map(side).into();
        let sides: Vec<SideChunks> =
            sides.into_iter().filter(|side| !side.chunks.is_empty()).collect();
        let members = members.iter().map(|weights| Member::fit(weights, &sides, &observed));
        Ok(Self {
            names: Names {
                perturbations: dataset
                    .perturbations
                    .iter()
                    .map(|p| (p.symbol(), p.side()))
                    .collect(),
                contexts: dataset.contexts.iter().map(ToString::to_string).collect(),
                n_readouts,
            },
            members: members.collect::<Result<_>>()?,
            sides,
            observed,
        })
    }

    /// Learns from what `excluded` leaves of the dataset that an ensemble was trained on; none for the `concat`
    /// head, which predicts by [`Ensemble::predict`](crate::model::Ensemble::predict).
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    #[cfg(feature = "train")]
    pub fn from_ensemble(
        dataset: &Dataset,
        excluded: &Split,
        ensemble: &crate::model::Ensemble,
    ) -> Result<Option<Self>> {
        let members = ensemble.members().iter().map(ReadoutWeights::of);
        let members: Option<Vec<ReadoutWeights>> = members.collect::<Result<_>>()?;
        members.map(|members| Self::fit(dataset, excluded, &members)).transpose()
    }

    /// Predicts all readouts of a perturbation in a context (positions in the dataset's lists).
    ///
    /// # Errors
    /// For a position outside the lists, and for a context in which nothing of the perturbation's side was
    /// measured: how its responses come out there cannot be learned.
    pub fn predict(&self, perturbation: u32, context: u32) -> Result<Prediction> {
        let (side, slot) = self.place(perturbation, context)?;
        let source = self.source(side, perturbation, slot);
        let chunk = source.map(|at| &self.sides[side].chunks[at]);
        let own = chunk.and_then(|chunk| chunk.profile_in(slot));
        let evidence = match (chunk, own) {
            (None, _) => Evidence::Nothing,
            (Some(_), Some(_)) => Evidence::Measured,
            (Some(chunk), None) => {
                let contexts = &self.sides[side].contexts;
                Evidence::OtherContexts(chunk.slots.iter().map(|slot| contexts[*slot]).collect())
            }
        };
        let n_readouts = self.names.n_readouts;
        let measured = own.map_or_else(
            || vec![false; n_readouts],
            |profile| self.observed.mask(profile, n_readouts),
        );
        let (values, spread) = self.average(n_readouts, |member, add| {
            let embedding = match (source, chunk) {
                (Some(at), Some(chunk)) => member.embedding(side, at, chunk, slot),
                _ => vec![0.0; member.dim()],
            };
            member.add_response(&embedding, context, add);
        });
        let (variances, _) = self.average(n_readouts, |member, add| {
            member.noise(side, slot).enumerate().for_each(|(readout, noise)| add(readout, noise));
        });
        let noise = variances.into_iter().map(f32::sqrt).collect();
        Ok(Prediction { values, spread, noise, measured, evidence })
    }

    /// Returns mean and standard deviation over the members of what each adds to the readouts.
    fn average(
        &self,
        n_readouts: usize,
        each: impl Fn(&Member, &mut dyn FnMut(usize, f64)),
    ) -> (Vec<f32>, Vec<f32>) {
        let mut rows = Vec::with_capacity(self.members.len());
        for member in &self.members {
            let mut row = vec![0.0; n_readouts];
            each(member, &mut |readout, value| row[readout] = value);
            rows.push(row);
        }
        let share = 1.0 / rows.len() as f64;
        let moments = |readout: usize| {
            let mean = rows.iter().map(|row| row[readout]).sum::<f64>() * share;
            let squares: f64 = rows.iter().map(|row| (row[readout] - mean).powi(2)).sum();
            (mean as f32, (squares * share).sqrt() as f32)
        };
        (0..n_readouts).map(moments).unzip()
    }

    /// Returns the positions of the perturbation's side and of the context among the side's.
    fn place(&self, perturbation: u32, context: u32) -> Result<(usize, usize)> {
        let names = &self.names;
        let Some((symbol, side)) = names.perturbations.get(perturbation as usize) else {
            let expected = format!("below {}", names.perturbations.len());
            return Err(Error::parameter("perturbation", expected, perturbation));
        };
        let Some(name) = names.contexts.get(context as usize) else {
            let expected = format!("below {}", names.contexts.len());
            return Err(Error::parameter("context", expected, context));
        };
        let own = self.sides.iter().position(|chunks| chunks.side == *side);
        let slot = own.and_then(|own| Some((own, self.sides[own].slot(context)?)));
        slot.ok_or_else(|| {
            let contexts = own.map_or(&[][..], |own| &self.sides[own].contexts);
            let known: Vec<&str> =
                contexts.iter().map(|c| names.contexts[*c as usize].as_str()).collect();
            Error::data(
                format!("`{symbol}` in `{name}`"),
                format!("no {side} perturbation was measured there to learn from"),
                format!("choose one of: {}", known.join(", ")),
            )
        })
    }

    /// Returns the chunk of a perturbation's profiles that says most of a context: the one measured there, else
    /// the one of the most correlated contexts.
    fn source(&self, side: usize, perturbation: u32, slot: usize) -> Option<usize> {
        let chunks = &self.sides[side];
        let relevance = |chunk: &Chunk| {
            let is_there = chunk.slots.contains(&slot);
            let correlated: f64 =
                self.members.iter().map(|member| member.relevance(side, chunk, slot)).sum();
            if is_there { f64::INFINITY } else { correlated }
        };
        let candidates = chunks.of_perturbation(perturbation);
        candidates.max_by(|a, b| {
            relevance(&chunks.chunks[*a]).total_cmp(&relevance(&chunks.chunks[*b])).then(b.cmp(a))
        })
    }
}
