#![no_main]
//! Recipes: TOML with patterns, filters and chains of name tables.

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use phenocopy::dataset::Recipe;

fuzz_target!(|text: &str| {
    if let Ok(recipe) = Recipe::parse(text, Path::new("recipe.toml")) {
        let written = recipe.to_toml().expect("what was read can be written");
        let again = Recipe::parse(&written, Path::new("recipe.toml")).expect("and read again");
        assert_eq!(again.to_toml().ok(), Some(written));
    }
});
