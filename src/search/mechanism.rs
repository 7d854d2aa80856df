use super::significance::{Line, reference_kind};
use super::subject::Subject;
use crate::calibrate::{ClassKind, MechanismClass, StepUp, class_score};
use crate::error::Result;
use crate::experiment::{PerturbationType, Side};
use crate::index::{Index, Measure, Stratum, TargetKind};

/// Mechanisms that an answer names at most.
pub const MOST_MECHANISMS: usize = 10;
/// Members that are named for each.
const MEMBERS_SHOWN: usize = 3;

/// A group of compounds that a query resembles: what it might do.
#[derive(Debug, Clone, PartialEq)]
pub struct MechanismHit {
    /// What the members share.
    pub kind: ClassKind,
    /// The mechanism, or the gene that they act on.
    pub name: String,
    /// How many members were compared with, the query left out.
    pub n_members: usize,
    /// Mean score of the members, standardised by what references have with the class.
    pub z: f64,
    /// Chance of a z as large for a query that has nothing to do with the class.
    pub p_value: f64,
    /// Share of false ones among classes up to this p-value, over all classes tested.
    pub q_value: f64,
    /// Names and scores z of the members that are nearest to the query.
    pub members: Vec<(String, f64)>,
    /// Whether the query is annotated with it.
    pub is_known: bool,
}

/// Compares a query with the classes of compounds; nothing where they have no null.
pub(super) fn mechanisms(
    index: &Index,
    subject: &Subject,
    line: Line<'_>,
) -> Result<Vec<MechanismHit>> {
    let Some((table, references)) = index.calibration().zip(reference_kind(index, subject)) else {
        return Ok(Vec::new());
    };
    let (measure, query) = (Measure::Embedding, subject.record.perturbation.perturbation_type());
    let stratum = |targets| Stratum { measure, references, query, targets };
    let compound = PerturbationType::Compound;
    let nulls = table.null(stratum(TargetKind::Rows(compound)));
    let Some((null, of_classes)) = nulls.zip(table.null(stratum(TargetKind::Classes))) else {
        return Ok(Vec::new());
    };
    // Classes are of compounds that were trained on.
    let rows = &table.rows(compound)[..null.n_targets()];
    let z = null.standardise(&line.to_rows(index, compound, rows)).z;
    let own: Vec<u32> = subject.rows.iter().filter_map(|row| position(rows, *row)).collect();
    let score = |class: &MechanismClass| class_score(&class.members, &z, &own) as f32;
    let scores: Vec<f32> = table.classes().iter().map(score).collect();
    let scores = of_classes.standardise(&scores).z;
    let tested = table.classes().iter().zip(scores).filter(|(_, z)| !z.is_nan());
    let mut tested: Vec<(&MechanismClass, f64, f64)> =
        tested.map(|(class, z)| (class, z, of_classes.p_value(z))).collect();
    let step_up = StepUp::new(tested.iter().map(|(_, _, p)| *p).collect());
    tested.sort_by(|a, b| b.1.total_cmp(&a.1));
    tested.truncate(MOST_MECHANISMS);
    let hit = |(class, of_class, p_value): (&MechanismClass, f64, f64)| {
        let others = class.members.iter().filter(|member| !own.contains(member));
        let mut members: Vec<(u32, f64)> =
            others.map(|member| (rows[*member as usize], z[*member as usize])).collect();
        members.sort_by(|a, b| b.1.total_cmp(&a.1));
        let n_members = members.len();
        members.truncate(MEMBERS_SHOWN);
        let named =
            members.into_iter().map(|(row, z)| Ok((index.record(row)?.name().to_owned(), z)));
        Ok(MechanismHit {
            kind: class.kind,
            name: class.name.clone(),
            n_members,
            z: of_class,
            p_value,
            q_value: step_up.q_value(p_value),
            members: named.collect::<Result<_>>()?,
            is_known: is_annotated(subject, class),
        })
    };
    tested.into_iter().map(hit).collect()
}

fn position(rows: &[u32], row: u32) -> Option<u32> {
    rows.binary_search(&row).ok().map(|position| position as u32)
}

fn is_annotated(subject: &Subject, class: &MechanismClass) -> bool {
    match class.kind {
        ClassKind::Moa => subject.record.annotation.moas.iter().any(|moa| moa.0 == class.name),
        ClassKind::Target => subject.record.acts_on().contains(&class.name.as_str()),
    }
}

/// The mechanisms that a compound is annotated with and that are not tested.
pub(super) fn untested(index: &Index, subject: &Subject) -> Vec<String> {
    let Some(table) = index.calibration().filter(|_| subject.side == Side::Chemical) else {
        return Vec::new();
    };
    let moas = subject.record.annotation.moas.iter();
    let is_tested = |name: &str| {
        table.classes().iter().any(|class| class.kind == ClassKind::Moa && class.name == name)
    };
    moas.filter(|moa| !is_tested(&moa.0)).map(|moa| moa.0.clone()).collect()
}
