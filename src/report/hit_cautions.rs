use crate::calibrate::LEVEL;
use crate::experiment::Side;
use crate::search::{Answer, Flag, QueryActivity};

/// Returns what a reader should know before the hits: how active the query is, and what to be wary of.
pub(super) fn cautions(answer: &Answer, with_hits: bool) -> Vec<String> {
    let mut lines: Vec<String> = answer.activity.iter().map(activity).collect();
    if answer.activity.is_some_and(|activity| activity.strength < 1.0)
        && !answer.flags.contains(&Flag::InactiveQuery)
    {
        lines.push("small, or on another scale than the screen; its shape is explained".to_owned());
    }
    let flags = answer.flags.iter().filter_map(|flag| caution(*flag));
    lines.extend(flags.map(str::to_owned));
    let is_judged = answer.is_judged();
    let is_told = answer.hits.iter().any(|hit| hit.flags.contains(&Flag::Uncalibrated));
    if with_hits && !is_judged && is_told {
        lines.push(uncalibrated(answer));
    }
    if with_hits && is_judged && !answer.hits.iter().any(|hit| is_significant(hit.significance)) {
        lines.push(format!("no hit shown is significant (q ≤ {LEVEL}): hypotheses at best"));
    }
    lines
}

fn is_significant(significance: Option<crate::search::Significance>) -> bool {
    significance.is_some_and(|significance| significance.q_value <= LEVEL)
}

fn activity(activity: &QueryActivity) -> String {
    let QueryActivity { percentile, strength, agreement } = activity;
    let effect = format!(
        "effect {strength:.1} times that of shuffled profiles (1 of 20 is above 1), percentile {percentile:.0}"
    );
    match agreement {
        Some(r) => format!("{effect}\nprofiles of different contexts agree with r {r:.2}"),
        None => effect,
    }
}

fn caution(flag: Flag) -> Option<&'static str> {
    match flag {
        Flag::InactiveQuery => {
            Some("CAUTION: inactive, no stronger than shuffled profiles; its hits mean little")
        }
        Flag::PromiscuousQuery => {
            Some("CAUTION: promiscuous, near to and far from much; judged more strictly")
        }
        Flag::FoldedInQuery => {
            Some("added to this index: folded in, not trained on, and judged like a signature")
        }
        Flag::InactiveHit | Flag::FoldedInHit | Flag::Predicted | Flag::Uncalibrated => None,
    }
}

fn uncalibrated(answer: &Answer) -> String {
    let why = if answer.flags.contains(&Flag::Predicted) {
        "a prediction has no null distribution"
    } else {
        "no honest null for this kind of query here; `phenocopy inspect` says more"
    };
    format!("no significance: {why}")
}

/// Says which condition left no hit, and what would.
pub(super) fn explain_emptiness(answer: &Answer) -> String {
    let Answer { n_searched, n_passing, .. } = answer;
    match n_passing {
        _ if *n_searched == 0 => {
            "This index holds nothing on the searched side; search the other with --to all."
                .to_owned()
        }
        0 => format!("No perturbation of this index passes the filter.{}", conditions(answer)),
        _ => format!(
            "None of the {n_searched} perturbations on the searched side passes the filter;\n\
             {n_passing} on the other side do: search there with --to {}.{}",
            other_side(answer),
            conditions(answer)
        ),
    }
}

/// The side that was not searched.
fn other_side(answer: &Answer) -> Side {
    let searched = answer.types.first().map(|kind| kind.side());
    searched.map_or_else(|| answer.query.perturbation.side(), Side::opposite)
}

/// How many pass each condition of several alone: which one emptied the result, or that they exclude each other.
fn conditions(answer: &Answer) -> String {
    if answer.conditions.len() < 2 {
        return String::new();
    }
    let alone = answer.conditions.iter().map(|(condition, n)| format!("\n{n:>8} pass {condition}"));
    format!("\nOn the searched side, each condition alone:{}", alone.collect::<String>())
}
