use crate::experiment::PerturbationType;
use crate::index::{HeldOutFit, Manifest};

/// How well a model predicted values that were held out of profiles while its epochs were chosen, and the better of
/// two constants beside it: the mean of the readout, or of the perturbation.
///
/// It tells of pairs that were measured, readout by readout. Of a perturbation in a context where it was not measured
/// at all it tells nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldOut<'a> {
    /// The model's fit.
    pub model: &'a HeldOutFit,
    /// The constant of the smallest error.
    pub constant: &'a HeldOutFit,
}

impl<'a> HeldOut<'a> {
    /// Returns what an index's training reported of a context: of all screens without knock-outs, whose values fit too
    /// easily; of all screens for a context of knock-outs, or where there are no others. None where nothing was held out.
    #[must_use]
    pub fn of(manifest: &'a Manifest, context: &str) -> Option<Self> {
        let assay = manifest.recipe.as_ref().and_then(|recipe| recipe.assay_of(context));
        let of_knockouts =
            assay.is_some_and(|a| a.perturbation_type == PerturbationType::CrisprKnockout);
        let wanted = if of_knockouts { HeldOutFit::ALL } else { HeldOutFit::WITHOUT_KNOCKOUTS };
        let fits = &manifest.training.as_ref()?.held_out;
        [wanted, HeldOutFit::ALL].into_iter().find_map(|entries| {
            let rows = || fits.iter().filter(|fit| fit.entries == entries && fit.count > 0);
            let model = rows().find(|fit| fit.method == HeldOutFit::MODEL)?;
            let constants = rows().filter(|fit| fit.method != HeldOutFit::MODEL);
            let constant = constants.min_by(|a, b| a.rmse.total_cmp(&b.rmse))?;
            Some(Self { model, constant })
        })
    }

    /// Returns whether the model's error is smaller than that of the constant.
    #[must_use]
    pub fn predicts(&self) -> bool {
        self.model.rmse < self.constant.rmse
    }
}
