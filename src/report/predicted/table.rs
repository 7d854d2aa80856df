use std::collections::BTreeSet;
use std::io::{self, Write};

use super::PredictedWriter;
use crate::dataset::NormalisationStep;
use crate::experiment::Side;
use crate::index::{HeldOutFit, Manifest};
use crate::report::Source;
use crate::report::aligned::{Aligned, shorten};
use crate::report::explanation::readout;
use crate::report::hit_table::signature_heading;
use crate::search::{
    HeldOut, PredictedProfile, PredictionFlag, PredictionStatus, ReadoutLabel, SignatureFit,
};

/// Predicted values as aligned columns for a terminal; at the end, what their units are and how good such values are.
#[derive(Debug)]
pub struct PredictedTable<'a, W> {
    out: W,
    source: Source,
    readouts: &'a [ReadoutLabel],
    manifest: &'a Manifest,
    width: u16,
    /// Contexts that values were predicted in.
    contexts: BTreeSet<String>,
    has_interpolated: bool,
}

impl<'a, W: Write> PredictedTable<'a, W> {
    /// Creates a writer for lines of at most `width` columns; `readouts` are those of the model, in its order.
    pub fn new(
        out: W,
        source: Source,
        (readouts, manifest): (&'a [ReadoutLabel], &'a Manifest),
        width: u16,
    ) -> Self {
        let contexts = BTreeSet::new();
        Self { out, source, readouts, manifest, width, contexts, has_interpolated: false }
    }

    /// Writes how the signature was folded in that the profiles to come were predicted from.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn signature(&mut self, name: &str, fit: &SignatureFit) -> io::Result<()> {
        for line in signature_heading(name, fit, "values") {
            self.line(&line)?;
        }
        writeln!(self.out)
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{}", shorten(line, usize::from(self.width)))
    }

    fn profile(&mut self, profile: &PredictedProfile) -> io::Result<()> {
        self.contexts.insert(profile.context.clone());
        self.has_interpolated |= profile.status == PredictionStatus::Interpolated;
        for line in heading(profile) {
            self.line(&line)?;
        }
        writeln!(self.out)?;
        self.values(profile).write(&mut self.out, self.width)?;
        let (n, n_all) = (profile.values.len(), self.readouts.len());
        if n < n_all {
            writeln!(self.out, "{n} of {n_all} readouts")?;
        }
        writeln!(self.out)
    }

    fn values(&self, profile: &PredictedProfile) -> Aligned {
        let with_spread = profile.n_members > 1;
        let mut header = vec!["readout", "predicted"];
        header.extend(with_spread.then_some("spread"));
        let rows = profile.values.iter().map(|value| {
            let label = self.readouts.get(value.readout as usize);
            let label = label.map_or_else(String::new, |label| readout(&label.symbol, &label.name));
            let mut cells = vec![label, format!("{:+.3}", value.value)];
            cells.extend(with_spread.then(|| format!("{:.3}", value.spread)));
            cells
        });
        let rows = rows.collect();
        Aligned {
            numbers: (1..header.len()).collect(),
            header,
            rows,
            n_flexible: 0,
            cut_last: None,
        }
    }

    /// What the values of a context are worth.
    fn worth(&self, context: &str) -> Vec<String> {
        let recipe = self.manifest.recipe.as_ref();
        let steps = recipe.and_then(|recipe| Some(recipe.steps(recipe.assay_of(context)?)));
        let units = match steps {
            Some([]) => "as in its files".to_owned(),
            Some(steps) => steps.iter().map(|step| step.name()).collect::<Vec<_>>().join(", "),
            None => "normalised, the index does not say how".to_owned(),
        };
        let of_profile = steps.is_some_and(|s| s.contains(&NormalisationStep::UnitSpread));
        let mut lines = vec![format!("{context}: units {units}")];
        lines.extend(of_profile.then(|| "  1 is the spread of a profile".to_owned()));
        match HeldOut::of(self.manifest, context) {
            None => lines
                .push("  no value was held out: how good predictions are is unknown".to_owned()),
            Some(held_out) => lines.extend(accuracy(&held_out)),
        }
        lines
    }
}

/// How well held-out values were predicted, and a caution where a constant does as well.
fn accuracy(held_out: &HeldOut<'_>) -> Vec<String> {
    let HeldOut { model, constant } = held_out;
    let entries = match model.entries.as_str() {
        HeldOutFit::ALL => "of all screens",
        other => other,
    };
    let mut lines = vec![
        format!("  held-out values {entries}: RMSE {:.3}, R² {:.3}", model.rmse, model.r2),
        format!(
            "  a constant ({}): RMSE {:.3}, R² {:.3}",
            constant.method, constant.rmse, constant.r2
        ),
    ];
    if !held_out.predicts() {
        lines.push("  CAUTION: the model is no better than a constant".to_owned());
    }
    lines
}

fn heading(profile: &PredictedProfile) -> Vec<String> {
    let n = profile.n_members;
    let models = if n == 1 { "one model".to_owned() } else { format!("{n} models") };
    let contexts = &profile.record.contexts;
    let status = match profile.status {
        PredictionStatus::Measured => "measured there".to_owned(),
        PredictionStatus::FoldedIn => "folded in".to_owned(),
        PredictionStatus::Interpolated if contexts.is_empty() => {
            "INTERPOLATED: the mean of its members' embeddings".to_owned()
        }
        PredictionStatus::Interpolated => {
            format!("INTERPOLATED: measured in {} only", contexts.join(", "))
        }
    };
    let mut lines = vec![
        format!("{} in {}", profile.record.name(), profile.context),
        format!("PREDICTED by {models}; {status}"),
    ];
    if profile.flags.contains(&PredictionFlag::OtherSide) {
        let what = match profile.record.perturbation.side() {
            Side::Chemical => "no compound was",
            Side::Genetic => "no gene was",
        };
        lines.push(format!("CAUTION: {what} measured there: nothing tells if this is right"));
    }
    lines
}

impl<W: Write> PredictedWriter for PredictedTable<'_, W> {
    fn begin(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn profiles(&mut self, profiles: &[PredictedProfile]) -> io::Result<()> {
        profiles.iter().try_for_each(|profile| self.profile(profile))
    }

    fn finish(&mut self) -> io::Result<()> {
        let worth: Vec<String> = self.contexts.iter().flat_map(|name| self.worth(name)).collect();
        for line in worth {
            self.line(&line)?;
        }
        if self.has_interpolated {
            self.line("CAUTION: held out were values of measured profiles. Interpolated ones are")?;
            self.line(
                "worse, in some contexts no better than a constant in size; trust the order,",
            )?;
            self.line("and see `phenocopy evaluate prediction --split profiles` (trained model)")?;
        }
        let Source { index, fingerprint, .. } = &self.source;
        writeln!(self.out, "index {index} {fingerprint}; it holds no measured values")?;
        self.out.flush()
    }
}
