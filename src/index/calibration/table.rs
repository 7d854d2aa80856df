use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use super::compute::Calibration;
use super::stratum::{Stratum, TargetKind};
use crate::calibrate::{ClassKind, MechanismClass, Null, ProbabilityCurve};
use crate::error::{Error, Result};
use crate::experiment::{PerturbationType, Side};
use crate::index::file::{SectionFile, SectionWriter};

impl Calibration {
    /// Writes `calibration.bin`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut writer = SectionWriter::create(path, "calibration")?;
        let keys: Vec<String> = self.strata.iter().map(|(stratum, _, _)| stratum.key()).collect();
        writer.section_bytes("strata", keys.join("\n").as_bytes())?;
        for (at, (_, model, curve)) in self.strata.iter().enumerate() {
            let [centre, spread, tail] = model.null().parts();
            writer.section_f32(&format!("centre-{at}"), centre)?;
            writer.section_f32(&format!("spread-{at}"), spread)?;
            writer.section_f32(&format!("tail-{at}"), tail)?;
            writer.section_f32(&format!("breadth-{at}"), &[model.null().breadth()])?;
            if let Some(curve) = curve {
                let steps: Vec<f32> = curve.steps.iter().flat_map(|(z, p)| [*z, *p]).collect();
                writer.section_f32(&format!("curve-{at}"), &steps)?;
            }
        }
        for (kind, rows) in &self.rows {
            writer.section_u32(&format!("rows-{}", kind.cmap_code()), rows)?;
        }
        self.write_classes(&mut writer)?;
        self.write_activity(&mut writer)?;
        writer.section_u32("profile-owners", &self.profiles.owners)?;
        writer.section_f32("profile-vectors", &self.profiles.vectors)?;
        writer.finish()
    }

    fn write_classes(&self, writer: &mut SectionWriter) -> Result<()> {
        let name = |class: &MechanismClass| format!("{}\t{}", class.kind.name(), class.name);
        let names: Vec<String> = self.classes.iter().map(name).collect();
        writer.section_bytes("classes", names.join("\n").as_bytes())?;
        let sizes: Vec<u32> = self.classes.iter().map(|class| class.members.len() as u32).collect();
        writer.section_u32("class-sizes", &sizes)?;
        let members: Vec<u32> = self.classes.iter().flat_map(|c| c.members.clone()).collect();
        writer.section_u32("class-members", &members)
    }

    fn write_activity(&self, writer: &mut SectionWriter) -> Result<()> {
        let Some(activity) = &self.activity else { return Ok(()) };
        writer.section_f32("strength", &activity.strength)?;
        writer.section_f32("activity", &self.percentiles)?;
        writer.section_f32("agreement", &activity.agreement)?;
        writer.section_f32("thresholds", &activity.thresholds)
    }
}

/// The calibration of an open index, read in place.
#[derive(Debug)]
pub struct CalibrationTable {
    file: SectionFile,
    strata: BTreeMap<Stratum, usize>,
    curves: BTreeMap<Stratum, ProbabilityCurve>,
    classes: Vec<MechanismClass>,
    added: [Range<usize>; 2],
}

impl CalibrationTable {
    /// Opens `calibration.bin` of an index with these chemical and genetic rows, of which some were added after training.
    ///
    /// # Errors
    /// When the file is damaged, of a newer format, or its parts do not fit each other or the rows.
    pub fn open(path: &Path, sides: &[Range<usize>; 2], added: &[Range<usize>; 2]) -> Result<Self> {
        let file = SectionFile::open(path, "calibration")?;
        let mut table = Self {
            strata: BTreeMap::new(),
            curves: BTreeMap::new(),
            classes: read_classes(&file)?,
            added: added.clone(),
            file,
        };
        table.check_rows(sides)?;
        let text = table.file.section_bytes("strata")?;
        let text = String::from_utf8_lossy(text).into_owned();
        for (at, key) in text.split('\n').filter(|key| !key.is_empty()).enumerate() {
            let unknown = || table.file.damaged(format!("its stratum `{key}` is unknown"));
            let stratum = Stratum::parse(key).ok_or_else(unknown)?;
            table.read_stratum(at, stratum)?;
        }
        Ok(table)
    }

    fn read_stratum(&mut self, at: usize, stratum: Stratum) -> Result<()> {
        self.strata.insert(stratum, at);
        let n_targets = match stratum.targets {
            TargetKind::Rows(kind) => [self.rows(kind).len(), self.trained_rows(kind).len()],
            TargetKind::Classes => [self.classes.len(); 2],
        };
        if !self.null(stratum).is_some_and(|null| n_targets.contains(&null.n_targets())) {
            return Err(self.file.damaged(format!("its null `{}` does not fit", stratum.key())));
        }
        let section = format!("curve-{at}");
        if self.file.has_section(&section) {
            let steps = self.file.section_f32(&section)?.chunks_exact(2);
            let steps = steps.map(|step| (step[0], step[1])).collect();
            self.curves.insert(stratum, ProbabilityCurve { steps });
        }
        Ok(())
    }

    fn check_rows(&self, [chemical, genetic]: &[Range<usize>; 2]) -> Result<()> {
        let n_rows = chemical.len() + genetic.len();
        // Classes are learnt from: added compounds are in none.
        let n_members = self.trained_rows(PerturbationType::Compound).len() as u32;
        let mut members = self.classes.iter().flat_map(|class| &class.members);
        let is_in_order = |kind: &PerturbationType| {
            let side = if kind.side() == Side::Chemical { chemical } else { genetic };
            let rows = self.rows(*kind);
            rows.is_sorted_by(|a, b| a < b)
                && rows.iter().all(|row| side.contains(&(*row as usize)))
        };
        let types = PerturbationType::ALL;
        let fits = types.iter().all(is_in_order)
            && types.iter().map(|kind| self.rows(*kind).len()).sum::<usize>() == n_rows
            && members.all(|member| *member < n_members);
        let sizes = ["strength", "activity", "agreement"];
        let is_whole = |name: &&str| {
            !self.file.has_section(name)
                || self.file.section_f32(name).is_ok_and(|values| values.len() == n_rows)
        };
        if fits && sizes.iter().all(is_whole) {
            return Ok(());
        }
        Err(Error::Damaged {
            path: self.file.path().to_path_buf(),
            problem: format!("it does not fit {n_rows} rows"),
            advice: crate::index::REBUILD.to_owned(),
        })
    }

    /// Returns the null of a stratum; none where it had too few references. Its targets are the rows of their type in
    /// order, less those added ones that it cannot judge, which are the last.
    #[must_use]
    pub fn null(&self, stratum: Stratum) -> Option<Null<'_>> {
        let at = self.strata.get(&stratum)?;
        let part = |name: &str| self.file.section_f32(&format!("{name}-{at}")).ok();
        let parts = [part("centre")?, part("spread")?, part("tail")?, part("breadth")?];
        let null = Null::from_parts(parts)?;
        Some(match stratum.targets {
            TargetKind::Rows(kind) => null.learnt_from(self.trained_rows(kind).len()),
            TargetKind::Classes => null,
        })
    }

    /// Returns the strata that have a null, in the order of the file.
    pub(super) fn strata(&self) -> Vec<Stratum> {
        let mut strata: Vec<(usize, Stratum)> =
            self.strata.iter().map(|(stratum, at)| (*at, *stratum)).collect();
        strata.sort_unstable();
        strata.into_iter().map(|(_, stratum)| stratum).collect()
    }

    /// Returns the probability of known pairs of a stratum; none where too few are known.
    #[must_use]
    pub fn curve(&self, stratum: Stratum) -> Option<&ProbabilityCurve> {
        self.curves.get(&stratum)
    }

    /// Returns the rows of a type, ascending: the targets of its nulls in order.
    #[must_use]
    pub fn rows(&self, kind: PerturbationType) -> &[u32] {
        self.file.section_u32(&format!("rows-{}", kind.cmap_code())).unwrap_or_default()
    }

    /// Returns the rows of a type that were trained on, ascending: what nulls, percentiles and tau are learnt from. Rows
    /// that were added follow them.
    #[must_use]
    pub fn trained_rows(&self, kind: PerturbationType) -> &[u32] {
        let rows = self.rows(kind);
        let is_trained =
            |row: &u32| !self.added.iter().any(|added| added.contains(&(*row as usize)));
        &rows[..rows.partition_point(is_trained)]
    }

    /// Returns the mechanism classes; members are positions among the rows of compounds.
    #[must_use]
    pub fn classes(&self) -> &[MechanismClass] {
        &self.classes
    }

    /// Returns how strong a row is against shuffled profiles: 1 is as strong as the strongest twentieth of them.
    #[must_use]
    pub fn strength(&self, row: u32) -> Option<f32> {
        self.of_row("strength", row)
    }

    /// Returns the percentile of a row's strength within its type, 0 to 100.
    #[must_use]
    pub fn activity(&self, row: u32) -> Option<f32> {
        self.of_row("activity", row)
    }

    /// Returns the correlation between a row's profiles in different contexts; none with one context.
    #[must_use]
    pub fn agreement(&self, row: u32) -> Option<f32> {
        self.of_row("agreement", row)
    }

    /// Returns the strength of a vector of this length in a context, and its percentile among the rows of a type.
    #[must_use]
    pub fn strength_of(
        &self,
        length: f32,
        context: u32,
        kind: PerturbationType,
    ) -> Option<(f32, f32)> {
        let strength = length / self.thresholds().get(context as usize)?;
        strength.is_finite().then(|| (strength, self.percentile_of(strength, kind)))
    }

    /// Returns, for each context, the length that 95 of 100 shuffled profiles' vectors do not reach; none where it is not
    /// known.
    #[must_use]
    pub(crate) fn thresholds(&self) -> &[f32] {
        self.file.section_f32("thresholds").unwrap_or_default()
    }

    /// Returns the percentile of a strength among the rows of a type that were trained on, 0 to 100.
    #[must_use]
    pub(crate) fn percentile_of(&self, strength: f32, kind: PerturbationType) -> f32 {
        let all = self.trained_rows(kind).iter().filter_map(|row| self.strength(*row));
        let (n_below, n) = all.fold((0_u32, 0_u32), |(below, n), other| {
            (below + u32::from(other <= strength), n + 1)
        });
        100.0 * n_below as f32 / n.max(1) as f32
    }

    /// Returns the vectors of a row's profiles, one by one; none where it has a single profile.
    pub fn profiles(&self, row: u32, dim: usize) -> impl Iterator<Item = &[f32]> {
        let owners = self.file.section_u32("profile-owners").unwrap_or_default();
        let vectors = self.file.section_f32("profile-vectors").unwrap_or_default();
        let start = owners.partition_point(|owner| *owner < row);
        let end = owners.partition_point(|owner| *owner <= row);
        vectors.get(start * dim..end * dim).unwrap_or_default().chunks_exact(dim.max(1))
    }

    /// Verifies the checksums.
    ///
    /// # Errors
    /// When one differs.
    pub fn verify(&self) -> Result<()> {
        self.file.verify()
    }

    fn of_row(&self, section: &str, row: u32) -> Option<f32> {
        let value = self.file.section_f32(section).ok()?.get(row as usize)?;
        (!value.is_nan()).then_some(*value)
    }
}

fn read_classes(file: &SectionFile) -> Result<Vec<MechanismClass>> {
    let names = String::from_utf8_lossy(file.section_bytes("classes")?).into_owned();
    let names = names.split('\n').filter(|name| !name.is_empty());
    let mut members = file.section_u32("class-members")?;
    let sizes = file.section_u32("class-sizes")?;
    let mut classes = Vec::with_capacity(sizes.len());
    for (name, size) in names.zip(sizes) {
        let wrong = || file.damaged("its classes do not fit their members");
        let (kind, name) = name.split_once('\t').ok_or_else(wrong)?;
        let kind = ClassKind::parse(kind).ok_or_else(wrong)?;
        let (own, rest) = members.split_at_checked(*size as usize).ok_or_else(wrong)?;
        classes.push(MechanismClass { kind, name: name.to_owned(), members: own.to_vec() });
        members = rest;
    }
    if members.is_empty() && classes.len() == sizes.len() {
        return Ok(classes);
    }
    Err(file.damaged("its classes do not fit their members"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Opens a table of three compounds, the last of them added, and two knock-outs.
    fn open(compounds: &[u32], knockouts: &[u32], members: &[u32]) -> Result<CalibrationTable> {
        let class = MechanismClass {
            kind: ClassKind::Moa,
            name: "BCL inhibitor".to_owned(),
            members: members.to_vec(),
        };
        let rows = [
            (PerturbationType::Compound, compounds.to_vec()),
            (PerturbationType::CrisprKnockout, knockouts.to_vec()),
        ];
        let calibration =
            Calibration { rows: rows.into(), classes: vec![class], ..Calibration::default() };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calibration.bin");
        calibration.write(&path).unwrap();
        CalibrationTable::open(&path, &[0..3, 3..5], &[2..3, 5..5])
    }

    #[test]
    fn rows_of_another_side_or_out_of_order_and_members_that_were_added_are_damage() {
        open(&[0, 1, 2], &[3, 4], &[0, 1]).unwrap();
        let damaged = [
            open(&[0, 1, 2], &[3, 4], &[0, 2]),
            open(&[0, 2, 1], &[3, 4], &[0, 1]),
            open(&[0, 1, 1], &[3, 4], &[0, 1]),
            open(&[0, 1, 3], &[2, 4], &[0, 1]),
            open(&[0, 1], &[3, 4], &[0, 1]),
        ];
        for error in damaged.map(|opened| opened.unwrap_err().to_string()) {
            assert!(error.contains("it does not fit 5 rows"), "{error}");
        }
    }
}
