use std::path::PathBuf;

use phenocopy::dataset::{Dataset, DatasetOptions, MergeReason, Recipe};

use super::{annotation, merged, repository, symbols};

/// Returns the folder of the real screens; `None` where they are absent and not required.
pub fn shared_data() -> Option<PathBuf> {
    let data = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data"));
    if data.is_dir() {
        return Some(data);
    }
    assert!(std::env::var_os("PHENOCOPY_REQUIRE_SHARED").is_none(), "{data:?} is absent");
    None
}

fn read_real(name: &str) -> Option<Dataset> {
    let data = shared_data()?;
    let recipe = Recipe::read(repository().join("data").join(name)).unwrap();
    Some(Dataset::from_recipe(&recipe, &data, &DatasetOptions::default()).unwrap())
}

/// Returns a profile's values by readout name.
fn value(dataset: &Dataset, name: &str, context: &str, readout: &str) -> f32 {
    let profile = profile(dataset, name, context);
    let readout = dataset.readouts.iter().position(|r| r.0 == readout).unwrap();
    dataset.profiles.row(profile)[readout]
}

fn profile(dataset: &Dataset, name: &str, context: &str) -> usize {
    let perturbation = dataset.annotations.iter().position(|a| a.name == name).unwrap() as u32;
    let context = dataset.contexts.iter().position(|c| c.0 == context).unwrap() as u32;
    let keys = dataset.profiles.keys();
    keys.iter().position(|k| (k.perturbation, k.context) == (perturbation, context)).unwrap()
}

#[test]
fn the_viability_screens_are_normalised_as_the_reference_does() {
    let Some(dataset) = read_real("cancer-viability.toml") else { return };
    let counts =
        [dataset.profiles.n_profiles(), dataset.perturbations.len(), dataset.readouts.len()];
    assert_eq!(counts, [3_665, 3_497, 647]);
    // The steps of peers/retrieval_baselines.py, worked out in Python's statistics module.
    for (name, context, spread, expected) in [
        (
            "navitoclax",
            "GDSC1",
            1.468_781_5,
            [("ACH-000001", -0.691_135), ("ACH-002305", 0.069_943)],
        ),
        ("afatinib", "GDSC1", 1.594_110_8, [("ACH-000012", -5.414_615), ("ACH-002305", -1.377_3)]),
        ("BCL2", "CRISPR", 0.129_619_22, [("ACH-000001", 0.596_44), ("ACH-000004", -1.133_163)]),
    ] {
        let received = dataset.spread[profile(&dataset, name, context)];
        assert!((received - spread).abs() < 1e-5, "spread of {name}: {received}");
        for (readout, expected) in expected {
            let received = value(&dataset, name, context, readout);
            assert!((received - expected).abs() < 1e-4, "{name} at {readout}: {received}");
        }
    }
}

#[test]
fn abt_199_is_venetoclax_in_the_viability_screens() {
    let Some(dataset) = read_real("cancer-viability.toml") else { return };
    let venetoclax = annotation(&dataset, "venetoclax");
    for name in ["Venetoclax", "ABT-199"] {
        assert!(venetoclax.synonyms.iter().any(|synonym| synonym == name), "{name}");
    }
    assert_eq!(venetoclax.moas[0].0, "BCL inhibitor");
    for context in ["GDSC2", "CTRPv2"] {
        assert!(dataset.spread[profile(&dataset, "venetoclax", context)] > 0.0);
    }
    assert!(merged(&dataset).contains(&("ABT-199", "venetoclax", MergeReason::Alias)));
    assert!(!merged(&dataset).iter().any(|(from, _, _)| *from == "AZD1480"), "JAK is not MEK");
    let all_finite = |p| dataset.profiles.row(p).iter().all(|value| !value.is_infinite());
    assert!((0..dataset.profiles.n_profiles()).all(all_finite));
    assert!(dataset.spread.iter().all(|spread| spread.is_finite() && *spread > 0.0));
}

#[test]
fn the_sirna_and_l1000_screens_are_read() {
    let Some(sirna) = read_real("cancer-viability-sirna.toml") else { return };
    assert_eq!(sirna.contexts.len(), 5);
    assert!(symbols(&sirna).iter().any(|symbol| symbol == "siRNA_GRK2"));
    let Some(l1000) = read_real("l1000.toml") else { return };
    assert_eq!(l1000.readouts.len(), 978);
    assert!(symbols(&l1000).iter().any(|symbol| symbol == "OE_KRAS"));
    assert!(!symbols(&l1000).iter().any(|symbol| symbol == "OE_EMPTY" || symbol == "OE_LacZ"));
    let Some(both) = read_real("l1000-knockdown.toml") else { return };
    assert_eq!((both.readouts.len(), both.contexts.len()), (978, 4));
    assert!(both.recipe.reads_genes(), "so that responses make directed edges");
    let known = symbols(&both);
    let is_both =
        |gene: &str| ["OE", "shRNA"].iter().all(|kind| known.contains(&format!("{kind}_{gene}")));
    assert!(is_both("TP53") && is_both("KRAS"));
}
