use crate::error::{Error, Result};
use crate::index::{ReadoutNames, Record};

/// What a predicted profile rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PredictionStatus {
    /// The perturbation has a profile in this context, which the model was trained on. The index does not hold the
    /// measured values, nor which readouts had one.
    Measured,
    /// The model was trained on the perturbation and on the context, but not on the two together.
    Interpolated,
    /// Of a signature: its embedding was fitted to the values given, all weights frozen.
    FoldedIn,
}

impl PredictionStatus {
    /// Returns `measured`, `interpolated` or `folded-in`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Interpolated => "interpolated",
            Self::FoldedIn => "folded-in",
        }
    }
}

/// What to be wary of in a predicted profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PredictionFlag {
    /// Nothing of the perturbation's side was measured in this context: compounds in a screen of knock-outs, say. No
    /// value tells how well that goes.
    OtherSide,
    /// The signature is explained no better than a shuffled one would be.
    Unexplained,
}

impl PredictionFlag {
    /// Returns `other_side` or `unexplained`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::OtherSide => "other_side",
            Self::Unexplained => "unexplained",
        }
    }
}

/// What a readout is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadoutLabel {
    /// As in the model.
    pub symbol: String,
    /// As people call it.
    pub name: String,
}

/// A predicted value of one readout.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PredictedValue {
    /// The readout's position among those of the model.
    pub readout: u32,
    /// The mean over the members, in the normalised units of the context's profiles.
    pub value: f32,
    /// The standard deviation between the members; NaN where there is one. They share their data, so it is less than
    /// the error to expect.
    pub spread: f32,
}

/// What a perturbation is predicted to do in a context.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictedProfile {
    /// The perturbation as it was asked for.
    pub asked: String,
    /// The perturbation; of a signature or a combination, what is known of it.
    pub record: Record,
    /// The context.
    pub context: String,
    /// What the values rest on.
    pub status: PredictionStatus,
    /// What to be wary of.
    pub flags: Vec<PredictionFlag>,
    /// How many models predict.
    pub n_members: usize,
    /// The values: in the order asked for, else of the model; of the `k` largest the largest first, whichever sign.
    pub values: Vec<PredictedValue>,
}

/// The mean and the standard deviation over members of what each predicts for some readouts, the `k` largest first
/// where a `k` is asked for.
///
/// # Shapes
/// `members`: one row of all readouts each.
pub(super) fn over_members(
    members: &[&[f32]],
    readouts: &[u32],
    k: Option<usize>,
) -> Vec<PredictedValue> {
    let n = members.len() as f64;
    let value = |readout: &u32| {
        let each = || members.iter().filter_map(|row| row.get(*readout as usize));
        let mean = each().map(|value| f64::from(*value)).sum::<f64>() / n;
        let squares: f64 = each().map(|value| (f64::from(*value) - mean).powi(2)).sum();
        let spread = if members.len() > 1 { (squares / n).sqrt() } else { f64::NAN };
        PredictedValue { readout: *readout, value: mean as f32, spread: spread as f32 }
    };
    let mut values: Vec<PredictedValue> = readouts.iter().map(value).collect();
    if let Some(k) = k {
        values.sort_by(|a, b| b.value.abs().total_cmp(&a.value.abs()));
        values.truncate(k);
    }
    values
}

/// The positions of the readouts that are asked for by any name; all where none is.
pub(super) fn positions_of(names: &ReadoutNames, asked: &[String]) -> Result<Vec<u32>> {
    if asked.is_empty() {
        return Ok((0..names.symbols().len() as u32).collect());
    }
    let position = |name: &String| {
        names.position(name).map(|at| at as u32).ok_or_else(|| {
            let example = names.symbols().first().map_or("", String::as_str);
            let advice = match names.closest(name) {
                Some(close) => format!("did you mean `{close}`?"),
                None => {
                    format!("readouts are called as in the recipe's tables, such as `{example}`")
                }
            };
            let problem = "the model has no readout of this name, or several";
            Error::data(format!("readout `{name}`"), problem, advice)
        })
    };
    asked.iter().map(position).collect()
}

/// What the readouts are called, in their order.
pub(super) fn labels_of(names: &ReadoutNames) -> Vec<ReadoutLabel> {
    let label = |symbol: &String| ReadoutLabel {
        symbol: symbol.clone(),
        name: names.display(symbol).to_owned(),
    };
    names.symbols().iter().map(label).collect()
}
