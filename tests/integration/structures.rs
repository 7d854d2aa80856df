//! Compounds that were never measured, placed by their structures.

use phenocopy::embedding::Embeddings;
use phenocopy::experiment::{Annotation, Perturbation, PerturbationType};
use phenocopy::index::{Index, IndexBuilder, Record};
use phenocopy::search::{Origin, Query, StructurePlacement};

const SCAFFOLDS: [&str; 6] =
    ["c1ccc2[nH]ccc2c1", "c1ccc2ncncc2c1", "C1CCNCC1", "c1ccsc1", "C1CCC(=O)CC1", "c1ccc2ncccc2c1"];
const CHAINS: [&str; 8] = ["CC", "CCO", "CCN", "CC(C)C", "CCC", "CCS", "CCCC", "CC(F)C"];

fn record(kind: PerturbationType, name: String, smiles: String) -> Record {
    Record {
        annotation: Annotation { name: name.clone(), smiles, ..Annotation::default() },
        perturbation: Perturbation::new(kind, name),
        targeted_by: Vec::new(),
        contexts: Vec::new(),
    }
}

/// Compounds of a scaffold lie near the gene of that scaffold.
fn index(n_chains: usize) -> (tempfile::TempDir, Index) {
    let (mut records, mut values) = (Vec::new(), Vec::new());
    let direction = |at: usize, noise: usize| {
        (0..8).map(move |k| {
            let noise = ((noise * 7919 + k * 389) % 101) as f32 / 400.0 - 0.125;
            if k == at { 1.0 + noise } else { noise }
        })
    };
    for (at, scaffold) in SCAFFOLDS.iter().enumerate() {
        for (chain, smiles) in CHAINS.iter().take(n_chains).enumerate() {
            let name = format!("compound {at}-{chain}");
            records.push(record(PerturbationType::Compound, name, format!("{smiles}{scaffold}")));
            values.extend(direction(at, at * 31 + chain));
        }
    }
    records.push(record(
        PerturbationType::Compound,
        "an antibody".into(),
        "not a structure".into(),
    ));
    values.extend(direction(7, 1));
    for at in 0..SCAFFOLDS.len() {
        records.push(record(PerturbationType::CrisprKnockout, format!("GENE{at}"), String::new()));
        values.extend(direction(at, 977));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("structures");
    let embeddings = Embeddings::from_rows(values, 8).unwrap();
    IndexBuilder::new("structures", embeddings, records).unwrap().write(&path).unwrap();
    (folder, Index::open(&path).unwrap())
}

#[test]
fn a_compound_finds_the_gene_of_those_that_are_built_like_it() {
    let (_folder, index) = index(CHAINS.len());
    let placement = StructurePlacement::fit(&index).unwrap();
    assert!(placement.quality().predicts(), "{:?}", placement.quality());
    for (at, scaffold) in SCAFFOLDS.iter().enumerate() {
        let query = Query::new(format!("[Na+].BrCCC{scaffold}"));
        let answer = index.search_structure(&placement, &query).unwrap();
        assert_eq!(answer.hits[0].record.name(), format!("GENE{at}"), "{scaffold}");
        let Origin::Structure { n_known, nearest, tanimoto, .. } = &answer.origin else {
            panic!("{:?}", answer.origin)
        };
        assert_eq!(*n_known, SCAFFOLDS.len() * CHAINS.len(), "the antibody has no structure");
        assert!(nearest.starts_with(&format!("compound {at}-")), "{nearest}");
        assert!((0.2..1.0).contains(tanimoto), "{tanimoto}");
    }
}

#[test]
fn however_a_structure_is_spelt_it_has_one_fingerprint() {
    use phenocopy::table::Fingerprint;

    let same = [
        // Erlotinib, aromatic and with alternating double bonds.
        (
            "COCCOc1cc2ncnc(Nc3cccc(c3)C#C)c2cc1OCCOC",
            "COCCOC1=C(C=C2C(=C1)C(=NC=N2)NC3=CC=CC(=C3)C#C)OCCOC",
        ),
        // Aspirin, its hydrogens written out, and its sodium salt but for the charge.
        ("CC(=O)Oc1ccccc1C(=O)O", "[H]OC(=O)c1c([H])c([H])c([H])c([H])c1OC(C)=O"),
        ("CC(=O)Oc1ccccc1C(=O)[O-]", "[Na+].CC(=O)OC1=CC=CC=C1C(=O)[O-]"),
        // An extension says nothing of the graph.
        ("C[C@@H](O)c1ccccc1", "C[C@@H](O)c1ccccc1 |&1:1,r|"),
    ];
    for (one, other) in same {
        let [a, b] = [one, other].map(|smiles| Fingerprint::of_smiles(smiles).unwrap());
        assert!((a.tanimoto(&b) - 1.0).abs() < 1e-12, "{one} {other}: {}", a.tanimoto(&b));
    }
}

#[test]
fn structures_that_cannot_be_read_or_are_too_few_say_so() {
    let (_folder, whole) = index(CHAINS.len());
    let placement = StructurePlacement::fit(&whole).unwrap();
    let refused = |smiles: &str| {
        whole.search_structure(&placement, &Query::new(smiles)).unwrap_err().to_string()
    };
    assert!(refused("CC(=O").contains("SMILES `CC(=O`: mismatched parenthesis at position 5"));
    assert!(refused("").contains("empty"));
    let (_folder, small) = index(4);
    let few = StructurePlacement::fit(&small).unwrap_err().to_string();
    assert!(few.contains("24 of its compounds have a structure, 30 are needed"), "{few}");
    assert!(few.contains("a column of SMILES"), "{few}");
}
