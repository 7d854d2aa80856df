use std::path::Path;

use super::file::{SectionFile, SectionWriter};
use crate::embedding::{Centring, FoldIn, MemberPlacement, Placement, Reliability};
use crate::error::{Error, Result};
use crate::experiment::Side;

/// Readouts that a profile must share with an index to be placed, so that a fifth of them can be held out.
pub const FEWEST_READOUTS: usize = 20;

/// What an index needs to place profiles it was not trained on: `fold-in.bin`.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPlacement {
    /// The frozen weights and maps.
    pub placement: Placement,
    /// Names of the readouts, in the order of a profile's values.
    pub readouts: Vec<String>,
    /// Names of the contexts, in order.
    pub contexts: Vec<String>,
    /// Per context: the readouts' means that its normalisation subtracted, once per such step;
    /// empty where it has none.
    pub removed_means: Vec<Vec<f32>>,
}

impl StoredPlacement {
    /// Writes `fold-in.bin`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut writer = SectionWriter::create(path, "fold-in")?;
        let members = self.placement.members();
        let shape = [
            members.len(),
            self.placement.centring().member_dim(),
            self.readouts.len(),
            self.contexts.len(),
        ];
        writer.section_u32("shape", &shape.map(|n| n as u32))?;
        writer.section_bytes("readouts", self.readouts.join("\n").as_bytes())?;
        writer.section_bytes("contexts", self.contexts.join("\n").as_bytes())?;
        let lengths: Vec<u32> = self.removed_means.iter().map(|m| m.len() as u32).collect();
        writer.section_u32("removed-lengths", &lengths)?;
        writer.section_f32("removed-means", &self.removed_means.concat())?;
        for side in [Side::Chemical, Side::Genetic] {
            writer.section_f32(&format!("centre-{side}"), self.placement.centring().means(side))?;
        }
        for (at, member) in members.iter().enumerate() {
            let [readouts, contexts, offsets] = member.fold_in().weights();
            writer.section_f32(&format!("readouts-{at}"), readouts)?;
            writer.section_f32(&format!("contexts-{at}"), contexts)?;
            writer.section_f32(&format!("offsets-{at}"), offsets)?;
            writer.section_f32(&format!("means-{at}"), member.context_means())?;
            for side in [Side::Chemical, Side::Genetic] {
                let map = member.reliability(side);
                writer.section_f32(&format!("map-{side}-{at}"), &map.rows())?;
                writer.section_u32(&format!("n-{side}-{at}"), &[map.n_repeated() as u32])?;
            }
        }
        writer.finish()
    }

    /// Reads `fold-in.bin`.
    ///
    /// # Errors
    /// When the file is damaged, of a newer format, or its parts do not fit each other.
    pub fn read(path: &Path) -> Result<Self> {
        let file = SectionFile::open(path, "fold-in")?;
        let damaged = |problem: String| Error::Damaged {
            path: path.to_path_buf(),
            problem,
            advice: super::REBUILD.to_owned(),
        };
        let &[n_members, dim, n_readouts, n_contexts] = file.section_u32("shape")? else {
            return Err(damaged("its shape is not four numbers".to_owned()));
        };
        let names = |section: &str| -> Result<Vec<String>> {
            let text = String::from_utf8_lossy(file.section_bytes(section)?).into_owned();
            Ok(text.split('\n').map(str::to_owned).collect())
        };
        let (readouts, contexts) = (names("readouts")?, names("contexts")?);
        if (readouts.len(), contexts.len()) != (n_readouts as usize, n_contexts as usize) {
            return Err(damaged("it names another number of readouts or contexts".to_owned()));
        }
        let dim = dim as usize;
        let centre = |side| Ok(file.section_f32(&format!("centre-{side}"))?.to_vec());
        let centring = Centring::from_means(dim, centre(Side::Chemical)?, centre(Side::Genetic)?)
            .map_err(|error: Error| damaged(error.to_string()))?;
        let members = (0..n_members).map(|at| read_member(&file, at, dim));
        let members = members.collect::<Result<_>>()?;
        let placement =
            Placement::new(members, centring).map_err(|error| damaged(error.to_string()))?;
        let removed_means = removed_means(&file, contexts.len())
            .ok_or_else(|| damaged("its readouts' means are incomplete".to_owned()))?;
        Ok(Self { placement, readouts, contexts, removed_means })
    }
}

fn read_member(file: &SectionFile, at: u32, dim: usize) -> Result<MemberPlacement> {
    let section = |name: &str| Ok::<_, Error>(file.section_f32(&format!("{name}-{at}"))?.to_vec());
    let map = |side: Side| {
        let n = file.section_u32(&format!("n-{side}-{at}"))?.first().copied().unwrap_or(0);
        Reliability::from_rows(&section(&format!("map-{side}"))?, dim, n as usize)
    };
    let fold_in =
        FoldIn::new(section("readouts")?, section("contexts")?, section("offsets")?, dim)?;
    let (chemical, genetic) = (map(Side::Chemical)?, map(Side::Genetic)?);
    MemberPlacement::from_parts(fold_in, section("means")?, chemical, genetic)
}

fn removed_means(file: &SectionFile, n_contexts: usize) -> Option<Vec<Vec<f32>>> {
    let lengths = file.section_u32("removed-lengths").ok()?;
    let mut rest = file.section_f32("removed-means").ok()?;
    let mut all = Vec::with_capacity(lengths.len());
    for length in lengths {
        let (means, tail) = rest.split_at_checked(*length as usize)?;
        all.push(means.to_vec());
        rest = tail;
    }
    (all.len() == n_contexts && rest.is_empty()).then_some(all)
}
