use crate::report::columns::{Description, text};
use crate::report::hit_columns::TYPES;
use crate::search::{PredictedProfile, PredictedValue, PredictionFlag, ReadoutLabel};
use crate::table::Value;
use crate::table::ValueType::{Float32, Int32, Text};

/// The columns of a predicted value, in their stable order: [`of_profile`], [`of_readout`], [`of_value`], [`of_rest`].
pub(in crate::report) const PREDICTED_COLUMNS: [Description; 13] = [
    Description::new(
        "perturbation",
        Text,
        "",
        "unique symbol of the perturbation, such as CRISPR-KO_BCL2",
    ),
    Description::new("name", Text, "", "display name of the perturbation"),
    Description::new("type", Text, TYPES, "type of the perturbation, as CMap names it"),
    Description::new("context", Text, "", "the context in which it is predicted to act"),
    Description::new("readout", Text, "", "the readout, as the model names it"),
    Description::new("readout_name", Text, "", "the readout, as people call it"),
    Description::new(
        "predicted",
        Float32,
        "normalised units",
        "mean over the ensemble, in the units that the recipe's normalisation gives the context's profiles; never a measured value",
    ),
    Description::new(
        "spread",
        Float32,
        "normalised units",
        "standard deviation over the ensemble, less than the error to expect; empty for one model",
    ),
    Description::new(
        "status",
        Text,
        "measured, interpolated, folded-in",
        "whether the perturbation was measured in the context, was not, or is a signature of yours",
    ),
    Description::new("n_members", Int32, "1 and up", "models in the ensemble"),
    Description::new(
        "flags",
        Text,
        "other_side, unexplained, joined by ;",
        "other_side: nothing of the perturbation's side was measured in the context; unexplained: the model explains nothing of the signature",
    ),
    Description::new("asked", Text, "", "the perturbation as it was typed"),
    Description::new("index", Text, "", "fingerprint of the index"),
];

/// The first cells: of a profile.
pub(in crate::report) fn of_profile(profile: &PredictedProfile) -> [Value; 4] {
    let perturbation = &profile.record.perturbation;
    [
        Value::Text(perturbation.symbol()),
        text(profile.record.name()),
        text(perturbation.perturbation_type().cmap_code()),
        text(&profile.context),
    ]
}

/// The next cells: of a readout.
pub(in crate::report) fn of_readout(readout: &ReadoutLabel) -> [Value; 2] {
    [text(&readout.symbol), text(&readout.name)]
}

/// The next cells: of a value.
pub(in crate::report) fn of_value(value: &PredictedValue) -> [Value; 2] {
    [value.value, value.spread].map(|number| Value::Number(f64::from(number)))
}

/// The last cells: of a profile again.
pub(in crate::report) fn of_rest(profile: &PredictedProfile, fingerprint: &str) -> [Value; 5] {
    let flags: Vec<&str> = profile.flags.iter().copied().map(PredictionFlag::code).collect();
    [
        text(profile.status.as_str()),
        Value::Count(profile.n_members),
        Value::Text(flags.join(";")),
        text(&profile.asked),
        text(fingerprint),
    ]
}
