use rayon::prelude::*;

use super::compute::{Calibration, CalibrationInput};
use super::panel::TargetPanel;
use super::space::{Space, class_scores, is_member, lines_in_blocks};
use super::stratum::{Measure, ReferenceKind, Stratum, TargetKind};
use super::summary::HonestySummary;
use crate::calibrate::{LEVEL, Null, Share, q_values};
use crate::experiment::{PerturbationType, Side};

impl Calibration {
    /// Counts how often compounds have a significant mimic, for each type and for the classes, and how often a
    /// significant opposite.
    pub(super) fn measure_honesty(&self, input: &CalibrationInput<'_>) -> Vec<HonestySummary> {
        let against = |measure| {
            let types = self.rows.iter();
            types.filter_map(move |(kind, rows)| self.honesty_against(input, measure, *kind, rows))
        };
        let mimics = against(Measure::Embedding).chain(self.honesty_of_classes(input));
        mimics.chain(against(Measure::Response)).collect()
    }

    /// Leaves out the nulls of compounds that shuffled profiles have shown not to be honest.
    pub(super) fn withdraw(&mut self, dishonest: &HonestySummary) {
        self.strata.retain(|(stratum, _, _)| {
            let is_theirs = stratum.query.side() == Side::Chemical;
            let is_measured = stratum.measure == dishonest.measure;
            !(is_theirs && is_measured && stratum.targets.code() == dishonest.targets)
        });
    }

    /// Counts how often compounds have a significant mechanism.
    fn honesty_of_classes(&self, input: &CalibrationInput<'_>) -> Option<HonestySummary> {
        let compound = PerturbationType::Compound;
        let space = Space::of(input, Measure::Embedding, ReferenceKind::Row)?;
        let panel = space.panel(self.rows.get(&compound)?);
        let q_values = |references: ReferenceKind, queries: &[f32], owners: &[u32]| {
            let stratum = |targets| Stratum { references, ..space.stratum(compound, targets) };
            let null = self.null(stratum(TargetKind::Rows(compound)))?;
            let of_classes = self.null(stratum(TargetKind::Classes))?;
            let within = (&panel, space.dim);
            let scores = class_scores(null, (queries, owners), within, &self.classes);
            let of_line = |line: &[f32]| {
                let z = of_classes.standardise(line).z;
                let p = z.into_iter().map(|z| if z.is_nan() { 1.0 } else { of_classes.p_value(z) });
                q_values(&p.collect::<Vec<f64>>())
            };
            Some(scores.chunks_exact(self.classes.len()).map(of_line).collect::<Vec<_>>())
        };
        let references = space.references(compound);
        let q = q_values(ReferenceKind::Row, &references.vectors, &references.owners)?;
        let controls = controls(input, Measure::Embedding);
        let controls = q_values(ReferenceKind::Profile, controls, &[]).unwrap_or_default();
        let queries = || references.owners.iter().zip(&q);
        let known = queries().filter_map(|(owner, q)| {
            let record = &space.records[*owner as usize];
            let own = self.classes.iter().zip(q).filter(|(class, _)| is_member(record, class));
            let own: Vec<f64> = own.map(|(_, q)| *q).collect();
            (!own.is_empty()).then(|| has_hit(&own))
        });
        let inactive = queries().filter(|(owner, _)| self.is_inactive(**owner));
        Some(HonestySummary {
            measure: Measure::Embedding,
            targets: TargetKind::Classes.code().to_owned(),
            controls: Share::of(controls.iter().map(|q| has_hit(q))),
            inactive: Share::of(inactive.map(|(_, q)| has_hit(q))),
            compounds: Share::of(q.iter().map(|q| has_hit(q))),
            known: Share::of(known),
        })
    }

    /// Counts how often compounds have a significant hit among the rows of a type.
    fn honesty_against(
        &self,
        input: &CalibrationInput<'_>,
        measure: Measure,
        kind: PerturbationType,
        rows: &[u32],
    ) -> Option<HonestySummary> {
        let space = Space::of(input, measure, ReferenceKind::Row)?;
        let compound = PerturbationType::Compound;
        let null = |references| {
            let targets = TargetKind::Rows(kind);
            self.null(Stratum { measure, references, query: compound, targets })
        };
        let panel = space.panel(rows);
        let references = space.references(compound);
        let own = |at: usize| panel.rows.binary_search(&references.owners[at]).ok();
        let of_compound = |at: usize, q: &[f64]| {
            let annotated = panel.annotated(references.owners[at]).map(|(target, _)| target);
            let is_other = |target: &u32| own(at) != Some(*target as usize);
            let targets: Vec<u32> = annotated.filter(is_other).collect();
            let is_found = targets.iter().any(|target| q[*target as usize] <= LEVEL);
            let is_asked = measure == Measure::Embedding && !targets.is_empty();
            (has_hit(q), is_asked.then_some(is_found))
        };
        let judge = Judge { measure, panel: &panel, dim: space.dim };
        let outcomes =
            judge.see(null(ReferenceKind::Row)?, (&references.vectors, own), of_compound);
        let owners = references.owners.iter().zip(&outcomes);
        let inactive = owners.filter(|(owner, _)| self.is_inactive(**owner));
        let of_profiles = null(ReferenceKind::Profile);
        let controls = (controls(input, measure), |_| None);
        let controls = of_profiles.map(|null| judge.see(null, controls, |_, q| has_hit(q)));
        Some(HonestySummary {
            measure,
            targets: kind.cmap_code().to_owned(),
            controls: Share::of(controls.unwrap_or_default()),
            inactive: Share::of(inactive.map(|(_, (any, _))| *any)),
            compounds: Share::of(outcomes.iter().map(|(any, _)| *any)),
            known: Share::of(outcomes.iter().filter_map(|(_, known)| *known)),
        })
    }

    fn is_inactive(&self, row: u32) -> bool {
        let strength = self.activity.as_ref().and_then(|a| a.strength.get(row as usize));
        strength.is_some_and(|strength| *strength < 1.0)
    }
}

fn has_hit(q_values: &[f64]) -> bool {
    q_values.iter().any(|q| *q <= LEVEL)
}

/// Shuffled profiles of compounds; none where no profiles were placed.
fn controls<'a>(input: &CalibrationInput<'a>, measure: Measure) -> &'a [f32] {
    input.measured.map_or(&[], |measured| measured.controls.of(measure))
}

/// Compares queries with a panel and corrects their p-values: for mimics, or by responses for opposites.
struct Judge<'a> {
    measure: Measure,
    panel: &'a TargetPanel<'a>,
    dim: usize,
}

impl Judge<'_> {
    /// What is seen in the q-values of each query, in the queries' order; `own` is where a query is a target.
    fn see<T: Send>(
        &self,
        null: Null<'_>,
        (queries, own): (&[f32], impl Fn(usize) -> Option<usize> + Sync),
        see: impl Fn(usize, &[f64]) -> T + Sync,
    ) -> Vec<T> {
        let p_value = |z: f64| match self.measure {
            Measure::Embedding => null.p_value(z),
            Measure::Response => null.p_value(-z),
        };
        let mut seen = Vec::with_capacity(queries.len() / self.dim.max(1));
        for (start, lines) in lines_in_blocks(queries, self.panel, self.dim) {
            let lines = lines.par_chunks_exact(self.panel.rows.len()).enumerate();
            let of_line = |(at, line): (usize, &[f32])| {
                let mut p: Vec<f64> = null.standardise(line).z.into_iter().map(p_value).collect();
                // A query is no hit of its own.
                if let Some(own) = own(start + at) {
                    p[own] = 1.0;
                }
                see(start + at, &q_values(&p))
            };
            seen.par_extend(lines.map(of_line));
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::NullModel;

    #[test]
    fn a_null_that_shuffled_profiles_deceive_is_withdrawn() {
        let number = |i: usize| ((i * 7919) % 401) as f32 / 401.0 - 0.5;
        let model = NullModel::fit(40, 3, |references, targets| {
            references.flat_map(|r| targets.clone().map(move |t| number(3 * r + t))).collect()
        });
        let model = model.unwrap();
        let stratum = |query, targets| Stratum {
            measure: Measure::Embedding,
            references: ReferenceKind::Row,
            query,
            targets,
        };
        let (compound, gene) = (PerturbationType::Compound, PerturbationType::CrisprKnockout);
        let kept = [
            stratum(compound, TargetKind::Rows(gene)),
            stratum(gene, TargetKind::Classes),
            stratum(compound, TargetKind::Rows(compound)),
        ];
        let withdrawn = stratum(compound, TargetKind::Classes);
        let all = kept.iter().chain([&withdrawn]).map(|stratum| (*stratum, model.clone(), None));
        let mut calibration = Calibration { strata: all.collect(), ..Calibration::default() };
        let honesty = |count| HonestySummary {
            measure: Measure::Embedding,
            targets: TargetKind::Classes.code().to_owned(),
            controls: Share { count, total: 100 },
            inactive: Share::default(),
            compounds: Share::default(),
            known: Share::default(),
        };
        assert!(honesty(9).is_honest() && !honesty(10).is_honest());
        calibration.withdraw(&honesty(54));
        let left: Vec<Stratum> =
            calibration.strata.iter().map(|(stratum, _, _)| *stratum).collect();
        assert_eq!(left, kept);
    }
}
