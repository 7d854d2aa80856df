use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::collapse::Collapse;
use crate::table::{AgentNames, Pattern, RowFilter, TextFormat};

/// What the samples of an assay's file are, by a table of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Samples {
    /// The table, relative to the data folder; left out where the assay's own file holds it (GCT, GCTX, h5ad).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The separator, where detection fails.
    #[serde(default, skip_serializing_if = "TextFormat::is_detected")]
    pub format: TextFormat,
    /// The column that names the samples as the matrix does; a row of `obs` is a row of the matrix and needs none.
    #[serde(default = "id")]
    pub id: String,
    /// The perturbation of a sample, a pattern of columns.
    pub perturbation: Pattern,
    /// Where to cut the perturbation: `_` turns the allele `KRAS_G12V` into `KRAS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_at: Option<String>,
    /// Which piece of what was cut counts: 2 of `10000_AKT3_P1P2_ENSG00000117020` is `AKT3`.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub part: usize,
    /// What separates the agents of a combination, where that is not `+`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// The perturbations that are controls: they are no perturbations, and leave combinations ([`AgentNames`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<String>,
    /// What the values are, and so how profiles are compared with controls; goes with `controls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<SampleScale>,
    /// How the samples of one perturbation in one context become one profile, as they are read; where
    /// it is left out they stay profiles, which `duplicates` joins or refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collapse: Option<Collapse>,
    /// Perturbations with fewer samples in a context are left out of it; samples without counts are none.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub min_samples: u32,
    /// Which samples count.
    #[serde(default, rename = "filter", skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<RowFilter>,
}

/// What the values of samples are, where there are controls among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SampleScale {
    /// Counts of molecules. Each sample's are scaled to 10,000 in all; a profile is log2 of the mean plus 1, less that of
    /// the controls of its context.
    Counts,
    /// Logarithms: a profile is what `collapse` makes of them, less that of the controls of its context.
    Log,
    /// Already relative to controls (z-scores, fold changes): controls are only left out.
    Relative,
}

/// How samples become profiles: what of [`Samples`] matters once their conditions are known.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Joint<'a> {
    pub(super) collapse: Option<Collapse>,
    pub(super) min_samples: u32,
    pub(super) scale: Option<SampleScale>,
    pub(super) controls: &'a [String],
}

impl Joint<'_> {
    /// Returns whether profiles are compared with those of controls.
    pub(super) fn compares(&self) -> bool {
        matches!(self.scale, Some(SampleScale::Counts | SampleScale::Log))
    }

    /// Returns whether samples are profiles as they stand.
    pub(super) fn changes_nothing(&self) -> bool {
        self.collapse.is_none() && self.controls.is_empty()
    }
}

impl Samples {
    /// Returns how its samples become profiles.
    pub(super) fn joint(&self) -> Joint<'_> {
        Joint {
            collapse: self.collapse,
            min_samples: self.min_samples,
            scale: self.values,
            controls: &self.controls,
        }
    }

    /// Returns how its perturbations are written.
    #[must_use]
    pub fn agents(&self) -> AgentNames<'_> {
        AgentNames {
            cut_at: self.cut_at.as_deref(),
            part: self.part,
            separator: self.separator.as_deref(),
            controls: &self.controls,
        }
    }

    /// Returns whether its values are counts.
    pub(super) fn are_counts(&self) -> bool {
        self.values == Some(SampleScale::Counts)
    }

    /// Returns which of its keys contradict each other, if any do.
    pub(super) fn contradiction(&self) -> Option<&'static str> {
        let problems = [
            (
                self.values.is_some() == self.controls.is_empty(),
                "`samples.controls` goes with `samples.values`, which says how to compare with them: `counts`, `log` or `relative`",
            ),
            (
                self.joint().compares() && self.collapse.is_none(),
                "profiles are compared with controls by `samples.collapse`, such as `mean`, which it lacks",
            ),
            (
                self.are_counts() && self.collapse != Some(Collapse::Mean),
                "counts are collapsed by `mean`, and by nothing else",
            ),
            (
                self.min_samples > 1 && self.collapse.is_none(),
                "`samples.min_samples` counts what `samples.collapse` joins, which it lacks",
            ),
            (
                self.part == 0 || (self.part > 1 && self.cut_at.is_none()),
                "`samples.part` counts from 1 what `samples.cut_at` cuts",
            ),
        ];
        problems.into_iter().find(|(is_wrong, _)| *is_wrong).map(|(_, problem)| problem)
    }
}

fn id() -> String {
    "id".to_owned()
}

fn first() -> usize {
    1
}

fn one() -> u32 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_first(part: &usize) -> bool {
    *part == first()
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_one(n: &u32) -> bool {
    *n == one()
}
