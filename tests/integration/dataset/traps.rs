use phenocopy::dataset::{DatasetOptions, Doubt, MergeReason};

use super::{Lab, merged, symbols};

fn readouts(dataset: &phenocopy::dataset::Dataset) -> Vec<&str> {
    dataset.readouts.iter().map(|readout| readout.0.as_str()).collect()
}

/// A gene screen read out on genes, with a nomenclature.
fn genes(readouts: [&str; 3], synonyms: &str) -> Lab {
    let [a, b, c] = readouts;
    let mut lab = Lab::new("duplicates = \"mean\"");
    lab.recipe = lab.recipe.replace("cell line", "landmark gene");
    lab.assay("old", "compound", &format!("gene,x,y\n{a},1,2\n{b},2,9\n{c},5,1\n"))
        .assay("new", "crispr-knockout", "gene,BRAF\nMARCHF1,1\nHLA-DQB1,3\nMRE11,2\n")
        .annotation("gene", &format!("name,synonyms\n{synonyms}"))
}

const NOMENCLATURE: &str = "MARCHF1,MARCH1\nHLA-DQB1,\nMRE11,MRE11A\nBRAF,\n";

#[test]
fn gene_readouts_of_other_years_are_shared_under_their_approved_symbols() {
    let dataset = genes(["MARCH1", "HLADQB1", "MRE11A"], NOMENCLATURE).dataset();
    assert_eq!(readouts(&dataset), ["HLA-DQB1", "MARCHF1", "MRE11"]);
    let mut found = merged(&dataset);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("HLADQB1", "HLA-DQB1", MergeReason::OtherSpelling),
            ("MARCH1", "MARCHF1", MergeReason::RetiredSymbol),
            ("MRE11A", "MRE11", MergeReason::RetiredSymbol),
        ]
    );
    assert!(dataset.report.merges.iter().all(|merge| merge.assays == ["old"]));
    let report = dataset.report.to_string();
    assert!(report.contains("renamed: MARCH1 → MARCHF1 (alias or previous symbol)"), "{report}");
}

#[test]
fn a_retired_readout_stays_where_its_file_has_the_approved_one_too() {
    let dataset = genes(["MRE11A", "MRE11", "HLA-DQB1"], NOMENCLATURE).dataset();
    assert_eq!(readouts(&dataset), ["HLA-DQB1", "MRE11"]);
    let taken = &dataset.report.unresolved[0];
    assert_eq!(
        (taken.place.name.as_str(), &taken.doubt),
        ("MRE11A", &Doubt::Taken("MRE11".into()))
    );
    assert!(merged(&dataset).is_empty());
}

#[test]
fn a_symbol_that_several_genes_claim_stays_and_names_them() {
    let ambiguous = format!("{NOMENCLATURE}OTHER,MARCH1\n");
    let dataset = genes(["MARCH1", "HLA-DQB1", "MRE11"], &ambiguous).dataset();
    let rejects = dataset.report.rejects();
    let reject = rejects.iter().find(|reject| reject.name == "MARCH1" && reject.kind == "readout");
    let reject = reject.unwrap();
    assert!(
        reject.outcome.contains("alias of MARCHF1 or OTHER") && reject.is_warning,
        "{reject:?}"
    );
}

#[test]
fn a_date_among_gene_readouts_is_refused_with_the_symbols_it_may_have_been() {
    let message = genes(["1-Mar", "HLA-DQB1", "MRE11"], NOMENCLATURE).refusal();
    assert!(message.contains("`1-Mar`") && message.contains("MARCHF1 or MTARC1"), "{message}");
}

#[test]
fn broad_ids_find_their_compound_whatever_the_sample_and_so_do_deprecated_ones() {
    let mut lab = Lab::new("duplicates = \"mean\"").assay(
        "drugs",
        "compound",
        "line,BRD-K62810658-001-01-1,BRD-A19037878,681640\nA,1,2,7\nB,2,9,5\n",
    );
    lab = lab.annotation(
        "compound",
        "name,synonyms,inchi,broad,old,pubchem\n\
         venetoclax,,,BRD-K62810658-001-05-8,,49846579\n\
         vorinostat,,,BRD-K81418486-001-49-1,BRD-A19037878-001-02-8,5311\n\
         another,,,BRD-K00000001-001-01-1,,681640\n",
    );
    lab.recipe += "identifiers = [\"broad\", \"old\", \"pubchem\"]\n";
    let dataset = lab.dataset();
    assert_eq!(symbols(&dataset), ["681640", "venetoclax", "vorinostat"]);
    let renames: Vec<(&str, MergeReason)> =
        dataset.report.renames.iter().map(|r| (r.from.as_str(), r.reason)).collect();
    let expected = ["BRD-A19037878", "BRD-K62810658-001-01-1"];
    assert_eq!(renames, expected.map(|name| (name, MergeReason::Identifier)));
    assert!(dataset.report.merges.is_empty() && dataset.report.suggestions.is_empty());
}

#[test]
fn a_perturbation_called_nan_is_refused() {
    for (layout, text) in [
        ("wide-readout-rows", "line,nan\nA,1\nB,2\n"),
        ("wide-perturbation-rows", "drug,A,B\nnan,1,2\n"),
    ] {
        let keys = format!("layout = \"{layout}\"");
        let message = Lab::new("").assay_with("drugs", "compound", text, &keys).refusal();
        assert!(message.contains("a name") && message.contains("nan"), "{message}");
    }
    let keys =
        "layout = \"long\"\ncolumns = { perturbation = \"p\", readout = \"r\", value = \"v\" }";
    let long = Lab::new("").assay_with("drugs", "compound", "p,r,v\nnan,A,1\n", keys);
    assert!(long.refusal().contains("name it or remove the row"));
}

#[test]
fn doses_that_nobody_gives_are_noticed() {
    let keys = "layout = \"wide-readout-rows\"\n[assay.samples]\nfile = \"doses.csv\"\n\
        perturbation = \"{name}\"\nfilter = [{ column = \"dose\", at_least = \"1 nM\" }]";
    let lab = Lab::new("").assay_with("drugs", "compound", "line,s1,s2\nA,1,2\nB,2,1\n", keys);
    std::fs::write(
        lab.folder.path().join("doses.csv"),
        "id,name,dose,dose_unit\ns1,x,10,M\ns2,y,10,µM\n",
    )
    .unwrap();
    let dataset = lab.read(&DatasetOptions::default()).unwrap();
    let notices = dataset.report.notices.join("\n");
    let expected = "1 rows have a `dose` such as 10000000 µM: check its unit";
    assert!(notices.contains(expected), "{notices}");
}

#[test]
fn an_identifier_of_a_compound_that_has_a_profile_of_its_own_suggests_a_merge() {
    let mut lab = Lab::new("")
        .assay("drugs", "compound", "line,BRD-K88742110,PCI-34051\nA,1,2\nB,2,9\n")
        .annotation("compound", "name,synonyms,inchi,broad\nPCI-34051,,,BRD-K88742110-001-01-1\n");
    lab.recipe += "identifiers = [\"broad\"]\n";
    let report = lab.dataset().report;
    let suggestion = &report.suggestions[0];
    assert_eq!([&suggestion.first, &suggestion.second], ["BRD-K88742110", "PCI-34051"]);
    assert!(report.to_string().contains("an identifier of the other's annotation"), "{report}");
}
