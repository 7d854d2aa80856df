use super::context_sides::ContextSides;
use super::profile::{
    PredictedProfile, PredictionFlag, PredictionStatus, ReadoutLabel, labels_of, over_members,
    positions_of,
};
use crate::embedding::MemberPlacement;
use crate::error::Result;
use crate::experiment::{Annotation, Perturbation};
use crate::index::{Index, Record};
use crate::search::signature::ProfileOfContext;
use crate::search::{SignatureFit, SignatureQuery};

/// What a perturbation of which only a signature is known does in all contexts.
#[derive(Debug, Clone, PartialEq)]
pub struct SignaturePrediction {
    /// As whose profile the signature was folded in, and how well the model explains it.
    pub fit: SignatureFit,
    /// What the readouts are called, in the order of a profile.
    pub readouts: Vec<ReadoutLabel>,
    /// A profile for each context of the index, in its order.
    pub profiles: Vec<PredictedProfile>,
}

impl Index {
    /// Predicts what the perturbation behind a signature does in every context of the index: its embedding is fitted to
    /// the values that are given, all weights frozen. It needs no candle.
    ///
    /// Of the query count the signature, its context and whether it is normalised. The ridge draws a folded-in
    /// embedding towards zero, so values are somewhat smaller than those of a perturbation trained on the same profile.
    ///
    /// # Errors
    /// As [`search_signature`](Self::search_signature) for the signature, and for an unknown readout.
    pub fn predict_signature(
        &self,
        query: &SignatureQuery,
        readouts: &[String],
        k: Option<usize>,
    ) -> Result<SignaturePrediction> {
        let own = ProfileOfContext::of(self, query)?;
        let readouts = positions_of(&own.names, readouts)?;
        let members = own.stored.placement.members().iter().map(MemberPlacement::fold_in);
        let members = members.map(|member| Ok((member, member.embed(own.context, &own.values)?)));
        let members: Vec<_> = members.collect::<Result<_>>()?;
        let sides = ContextSides::of(self)?;
        let name = &query.signature.name;
        let record = Record {
            perturbation: Perturbation::new(own.perturbation_type, name.as_str()),
            annotation: Annotation { name: name.clone(), ..Annotation::default() },
            targeted_by: Vec::new(),
            contexts: Vec::new(),
        };
        let profile = |(context, at): (&String, u32)| {
            let rows: Vec<Vec<f32>> =
                members.iter().map(|(member, z)| member.predict(at, z)).collect();
            let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            let mut flags = Vec::new();
            if !sides.has(context, own.perturbation_type.side()) {
                flags.push(PredictionFlag::OtherSide);
            }
            if !own.fit.explains() {
                flags.push(PredictionFlag::Unexplained);
            }
            PredictedProfile {
                asked: name.clone(),
                record: record.clone(),
                context: context.clone(),
                status: PredictionStatus::FoldedIn,
                flags,
                n_members: rows.len(),
                values: over_members(&rows, &readouts, k),
            }
        };
        let profiles = own.stored.contexts.iter().zip(0..).map(profile).collect();
        Ok(SignaturePrediction { readouts: labels_of(&own.names), profiles, fit: own.fit })
    }
}
