use std::path::PathBuf;

/// Which index a command reads.
#[derive(Debug, clap::Args)]
pub(super) struct IndexArgument {
    /// Index folder [default: index/cancer-viability here, else beside the program or up to two folders above]
    #[arg(long, value_name = "DIR", env = "PHENOCOPY_INDEX")]
    pub(super) index: Option<PathBuf>,
}

const READY_INDEX: &str = "index/cancer-viability";
/// How many folders above the program are looked into: `target/release` lies two below the repository.
const FOLDERS_ABOVE: usize = 3;

impl IndexArgument {
    pub(super) fn path(&self) -> PathBuf {
        if let Some(path) = &self.index {
            return path.clone();
        }
        let here = PathBuf::from(READY_INDEX);
        let program = std::env::current_exe().unwrap_or_default();
        let above = program.ancestors().skip(1).take(FOLDERS_ABOVE);
        let places =
            std::iter::once(here.clone()).chain(above.map(|folder| folder.join(READY_INDEX)));
        let mut indexes = places.filter(|path| path.join("manifest.json").exists());
        indexes.next().unwrap_or(here)
    }

    pub(super) fn open(&self) -> phenocopy::Result<phenocopy::index::Index> {
        phenocopy::index::Index::open(self.path())
    }
}
