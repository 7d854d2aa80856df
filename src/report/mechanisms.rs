use std::io::{self, Write};

use super::aligned::{Aligned, shorten};
use super::hit_table::small;
use crate::calibrate::{ClassKind, LEVEL};
use crate::search::{Answer, MechanismHit};

/// Mechanisms of a table that are not significant.
const SHOWN_ANYWAY: usize = 3;
/// Mechanisms of a table at most.
const MOST_SHOWN: usize = 5;

/// Writes the groups of compounds that a query resembles: the significant ones, or the nearest few and that they are not.
pub(super) fn write_mechanisms(out: &mut dyn Write, answer: &Answer, width: u16) -> io::Result<()> {
    if !answer.mechanisms.is_empty() {
        let is_significant = |mechanism: &&MechanismHit| mechanism.q_value <= LEVEL;
        let n_significant = answer.mechanisms.iter().filter(is_significant).count();
        let n_tested = answer.n_classes;
        let found = match n_significant {
            0 => {
                format!(
                    "Itself like compounds of no class ({n_tested} tested, q > {LEVEL}); nearest:"
                )
            }
            _ => format!("Itself like compounds of these classes ({n_tested} tested):"),
        };
        writeln!(out, "{found}")?;
        let n_shown = if n_significant > 0 { n_significant.min(MOST_SHOWN) } else { SHOWN_ANYWAY };
        let rows = answer.mechanisms.iter().take(n_shown).map(row).collect();
        let header = vec!["class", "n", "z", "q", "known", "nearest members"];
        let numbers = vec![1, 2, 3];
        Aligned { header, rows, numbers, n_flexible: 1, cut_last: Some(0) }.write(out, width)?;
        writeln!(out)?;
    }
    if answer.mechanisms.is_empty() && answer.n_classes > 0 && answer.is_judged() {
        writeln!(out, "mechanisms: not judged, no honest null; `phenocopy inspect` says more\n")?;
    } else if !answer.untested.is_empty() {
        let names = answer.untested.join(", ");
        let text = format!("not tested, of fewer than 3 or more than 200 compounds: {names}");
        writeln!(out, "{}\n", shorten(&text, usize::from(width)))?;
    }
    Ok(())
}

fn row(mechanism: &MechanismHit) -> Vec<String> {
    let name = match mechanism.kind {
        ClassKind::Moa => mechanism.name.clone(),
        ClassKind::Target => format!("acts on {}", mechanism.name),
    };
    let members: Vec<&str> = mechanism.members.iter().map(|(name, _)| name.as_str()).collect();
    vec![
        name,
        mechanism.n_members.to_string(),
        format!("{:.1}", mechanism.z),
        small(Some(mechanism.q_value)),
        if mechanism.is_known { "yes" } else { "" }.to_owned(),
        members.join(", "),
    ]
}
