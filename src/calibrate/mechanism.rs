use std::collections::{BTreeMap, BTreeSet};

/// Fewer members say too little of a class.
pub const FEWEST_MEMBERS: usize = 3;
/// A class of more members is no mechanism.
pub const MOST_MEMBERS: usize = 200;

/// What the members of a class have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClassKind {
    /// A mechanism of action, as the annotation names it.
    Moa,
    /// A gene that the members act on.
    Target,
}

impl ClassKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Moa, Self::Target];

    /// Returns the name that outputs and files use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Moa => "moa",
            Self::Target => "target",
        }
    }

    /// Returns the kind of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Compounds that share a mechanism or a target: what a query is compared with as a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MechanismClass {
    /// What the members share.
    pub kind: ClassKind,
    /// The mechanism, or the gene's symbol.
    pub name: String,
    /// Positions of the members, ascending.
    pub members: Vec<u32>,
}

impl MechanismClass {
    /// Groups compounds by what they are annotated with: classes of [`FEWEST_MEMBERS`] to [`MOST_MEMBERS`], mechanisms
    /// before targets, in the order of their names. A compound with several annotations counts in each.
    #[must_use]
    pub fn group<'a>(
        memberships: impl IntoIterator<Item = (u32, ClassKind, &'a str)>,
    ) -> Vec<Self> {
        let mut members: BTreeMap<(ClassKind, &str), BTreeSet<u32>> = BTreeMap::new();
        for (row, kind, name) in memberships {
            members.entry((kind, name)).or_default().insert(row);
        }
        let is_tested = |(_, members): &(_, BTreeSet<u32>)| {
            (FEWEST_MEMBERS..=MOST_MEMBERS).contains(&members.len())
        };
        let classes = members.into_iter().filter(is_tested);
        let class = |((kind, name), members): ((ClassKind, &str), BTreeSet<u32>)| Self {
            kind,
            name: name.to_owned(),
            members: members.into_iter().collect(),
        };
        classes.map(class).collect()
    }
}

/// Returns how near a query is to a class: the mean score z of its members, less the query's own rows.
///
/// The mean, as members of one class lie together and their median would hide a class of two kinds; NaN where fewer
/// than [`FEWEST_MEMBERS`] less one are left, or the scores end before a member.
#[must_use]
pub fn class_score(members: &[u32], scores: &[f64], own: &[u32]) -> f64 {
    let others = members.iter().filter(|member| !own.contains(member));
    let values: Vec<f64> =
        others.filter_map(|member| scores.get(*member as usize)).copied().collect();
    if values.len() + 1 < FEWEST_MEMBERS {
        return f64::NAN;
    }
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_too_few_members_are_not_tested_and_a_member_counts_once() {
        let rows = [(0, "a"), (1, "a"), (2, "a"), (2, "a"), (3, "b"), (4, "b"), (4, "b")];
        let classes = MechanismClass::group(rows.map(|(row, name)| (row, ClassKind::Moa, name)));
        assert_eq!(classes.len(), 1);
        assert_eq!(classes[0].members, [0, 1, 2]);
    }

    #[test]
    fn a_class_is_scored_by_its_members_without_the_query() {
        let score = class_score(&[0, 1, 2], &[9.0, 1.0, 2.0], &[0]);
        assert!((score - 1.5).abs() < 1e-12);
        assert!(class_score(&[0, 1], &[9.0, 1.0], &[0]).is_nan());
    }
}
