//! Output that grows answer by answer beside its destination, and goes on where a run was cut off.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use phenocopy::{Error, Result};
use serde_json::{Value, json};

/// A file under construction: `FILE.part` holds what was written, `FILE.part.json` how far that is whole.
pub(crate) struct ResumableOutput {
    destination: PathBuf,
    part: PathBuf,
    state: PathBuf,
    /// What must be the same for a run to go on.
    identity: String,
    file: File,
    progress: Progress,
}

/// How far a run came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Queries that were dealt with.
    pub(crate) n_done: usize,
    /// Those of them that could not be answered.
    pub(crate) n_failed: usize,
    bytes: u64,
}

impl ResumableOutput {
    /// Begins beside `destination`, or goes on with what an interrupted run of the same `identity` left there.
    pub(crate) fn open(destination: &Path, identity: String, resume: bool) -> Result<Self> {
        let beside = |suffix: &str| {
            let mut name = destination.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        let (part, state) = (beside(".part"), beside(".part.json"));
        let progress = match (state.exists(), resume) {
            (false, _) if fs::metadata(&part).is_ok_and(|part| part.len() > 0) => {
                let problem = "answers would be written there, but no interrupted run made it";
                return Err(Error::data(
                    format!("file `{}`", part.display()),
                    problem,
                    "move it away",
                ));
            }
            (false, _) => Progress::default(),
            (true, false) if is_locked(&part) => return Err(Error::Busy { path: part }),
            (true, false) => {
                let problem = "it holds what an interrupted run had written";
                let advice = "go on from it with --resume, or remove it to start anew";
                return Err(Error::data(format!("file `{}`", part.display()), problem, advice));
            }
            (true, true) => read_state(&state, &identity)?,
        };
        let is_new = !state.exists();
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&part)
            .map_err(Error::io("write", &part))?;
        if file.try_lock().is_err() {
            return Err(Error::Busy { path: part });
        }
        // What follows the last whole answer was cut off in the middle.
        let cut = file.set_len(progress.bytes).and_then(|()| file.seek(SeekFrom::End(0)));
        cut.map_err(Error::io("write", &part))?;
        let destination = destination.to_path_buf();
        let output = Self { destination, part, state, identity, file, progress };
        if is_new {
            output.save()?;
        }
        Ok(output)
    }

    /// Returns how far the run came.
    pub(crate) fn progress(&self) -> Progress {
        self.progress
    }

    /// Adds the answers of some more queries.
    pub(crate) fn append(&mut self, text: &[u8], n_done: usize, n_failed: usize) -> Result<()> {
        self.file.write_all(text).map_err(Error::io("write", &self.part))?;
        self.progress.n_done += n_done;
        self.progress.n_failed += n_failed;
        self.progress.bytes += text.len() as u64;
        self.save()
    }

    fn save(&self) -> Result<()> {
        let Progress { n_done, n_failed, bytes } = self.progress;
        let state = json!({
            "identity": self.identity, "done": n_done, "failed": n_failed, "bytes": bytes,
        });
        let written = self.state.with_extension("json.new");
        fs::write(&written, state.to_string())
            .and_then(|()| fs::rename(&written, &self.state))
            .map_err(Error::io("write", &self.state))
    }

    /// Removes what was written.
    pub(crate) fn discard(self) -> Result<()> {
        for path in [&self.part, &self.state] {
            fs::remove_file(path).map_err(Error::io("remove", path))?;
        }
        Ok(())
    }

    /// Puts the complete file in its place.
    pub(crate) fn finish(self) -> Result<()> {
        self.file.sync_all().map_err(Error::io("write", &self.part))?;
        fs::rename(&self.part, &self.destination).map_err(Error::io("write", &self.destination))?;
        fs::remove_file(&self.state).map_err(Error::io("remove", &self.state))
    }
}

/// Whether another process is writing it.
fn is_locked(part: &Path) -> bool {
    let file = OpenOptions::new().write(true).open(part);
    file.is_ok_and(|file| file.try_lock().is_err())
}

fn read_state(path: &Path, identity: &str) -> Result<Progress> {
    let refuse = |problem: &str| {
        let advice = "repeat that command, or remove the file and its `.part` to start anew";
        Error::data(format!("file `{}`", path.display()), problem, advice)
    };
    let text = fs::read_to_string(path).map_err(Error::io("read", path))?;
    let state: Value =
        serde_json::from_str(&text).map_err(|_| refuse("it does not say how far a run came"))?;
    if state["identity"].as_str() != Some(identity) {
        return Err(refuse("it belongs to another index, list of queries or set of options"));
    }
    let number = |name: &str| state[name].as_u64().ok_or_else(|| refuse("it is incomplete"));
    Ok(Progress {
        n_done: number("done")? as usize,
        n_failed: number("failed")? as usize,
        bytes: number("bytes")?,
    })
}
