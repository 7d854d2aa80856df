use std::path::{Component, Path, PathBuf};

use phenocopy::table::close_names;
use phenocopy::{Error, Result};
use serde::{Deserialize, Serialize};

use super::SourcesArgument;

/// The sources that the program knows.
const BUILT_IN: &str = include_str!("sources.toml");

/// A publisher's data.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    /// What `get` is given.
    pub(super) name: String,
    /// What the data are.
    pub(super) title: String,
    /// The release.
    pub(super) version: String,
    /// The terms that the publisher states.
    pub(super) licence: String,
    /// What to cite.
    pub(super) citation: String,
    /// Where the publisher offers the data.
    pub(super) page: String,
    /// Recipes that use the files.
    #[serde(default)]
    pub(super) recipes: Vec<String>,
    /// What a user has to do or know.
    #[serde(default)]
    pub(super) note: String,
    /// The files, those that `get` fetches.
    #[serde(rename = "file", default)]
    pub(super) files: Vec<SourceFile>,
}

/// One file of a source.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceFile {
    /// Where it goes, below the folder that recipes start from.
    pub(super) path: PathBuf,
    /// Where it is.
    pub(super) url: String,
    /// Its size, where it is known for sure.
    #[serde(default)]
    pub(super) bytes: Option<u64>,
    /// Its SHA-256 in lower-case hexadecimal digits, where it is known for sure.
    #[serde(default)]
    pub(super) sha256: Option<String>,
    /// What is taken out of it, a ZIP archive: names of files that it holds, to lie beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) members: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sources {
    #[serde(rename = "source", default)]
    sources: Vec<Source>,
}

impl SourcesArgument {
    /// Reads the table of sources.
    pub(super) fn read(&self) -> Result<Vec<Source>> {
        let (text, what) = match &self.sources {
            None => (BUILT_IN.to_owned(), "the built-in table of sources".to_owned()),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
                (text, format!("table of sources `{}`", path.display()))
            }
        };
        let refuse = |problem: String| Error::data(&what, problem, "correct the table");
        let parsed: Sources = toml::from_str(&text)
            .map_err(|error: toml::de::Error| refuse(error.to_string().trim().to_owned()))?;
        for file in parsed.sources.iter().flat_map(|source| &source.files) {
            file.problem().map_or(Ok(()), |problem| Err(refuse(problem)))?;
        }
        Ok(parsed.sources)
    }
}

impl SourceFile {
    /// Says what is wrong with it: a path that leads out of the folder, or a digest that is none.
    fn problem(&self) -> Option<String> {
        let is_below =
            |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
        let is_name = |name: &String| Path::new(name).file_name() == Some(name.as_ref());
        let stays = is_below(&self.path) && self.members.iter().all(is_name);
        let is_digest = |text: &String| {
            text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        if !stays || self.path == Path::new("") {
            return Some(format!("`{}` is no path below the folder", self.path.display()));
        }
        let is_wrong = self.sha256.as_ref().is_some_and(|text| !is_digest(text));
        is_wrong.then(|| {
            format!("the SHA-256 of `{}` is not 64 hexadecimal digits", self.path.display())
        })
    }
}

/// Returns the source of a name, or all sources that a recipe uses, named by its path or without `.toml`.
#[cfg(feature = "download")]
pub(super) fn find_all<'a>(sources: &'a [Source], name: &str) -> Result<Vec<&'a Source>> {
    let is_it = |recipe: &String| {
        recipe == name || Path::new(recipe).file_stem().is_some_and(|stem| stem == name)
    };
    let of_recipe = sources.iter().filter(|source| source.recipes.iter().any(is_it));
    let used: Vec<&Source> = of_recipe.collect();
    let is_source = sources.iter().any(|source| source.name == name);
    if used.is_empty() || is_source { Ok(vec![find(sources, name)?]) } else { Ok(used) }
}

/// Returns the source of a name.
pub(super) fn find<'a>(sources: &'a [Source], name: &str) -> Result<&'a Source> {
    sources.iter().find(|source| source.name == name).ok_or_else(|| {
        let names = || sources.iter().map(|source| source.name.as_str());
        let advice = match close_names(name, names()).first() {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
        };
        Error::data(format!("database `{name}`"), "no source has this name", advice)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_built_in_sources_are_whole() {
        let sources = SourcesArgument { sources: None }.read().unwrap();
        let mut names = HashSet::new();
        let mut paths = HashSet::new();
        for source in &sources {
            assert!(names.insert(&source.name), "{}", source.name);
            assert!(!source.files.is_empty() && source.page.starts_with("https://"));
            let data = Path::new(env!("CARGO_MANIFEST_DIR"));
            for recipe in &source.recipes {
                let text = std::fs::read_to_string(data.join(recipe)).unwrap();
                let used = |file: &SourceFile| {
                    let beside = file.members.iter().map(|name| file.path.with_file_name(name));
                    let mut paths = beside.chain([file.path.clone()]);
                    paths.any(|path| text.contains(&format!("\"{}\"", path.display())))
                };
                assert!(source.files.iter().any(used), "{recipe} uses no file of {}", source.name);
            }
            for file in &source.files {
                assert!(paths.insert(&file.path), "{:?} twice", file.path);
                assert!(file.url.starts_with("https://"), "{}", file.url);
            }
        }
    }

    #[test]
    fn a_path_that_leads_out_of_the_folder_is_refused() {
        let file = |path: &str, sha256: Option<&str>| SourceFile {
            path: path.into(),
            url: String::new(),
            bytes: None,
            sha256: sha256.map(str::to_owned),
            members: Vec::new(),
        };
        for path in ["../passwd", "/etc/passwd", "a/../../b", ""] {
            assert!(file(path, None).problem().is_some(), "{path}");
        }
        assert!(file("a/b.csv", None).problem().is_none());
        assert!(file("a", Some("abc")).problem().unwrap().contains("64 hexadecimal"));
    }
}
