use std::fs;

use phenocopy::dataset::Dataset;

use super::{Lab, symbols};

/// Signatures as CMap names them; S6 is a control, S7 has no cell, S8 is in no matrix.
const SIGINFO: &str = "sig_id\tcmap_name\tcell_iname\tpert_type\tpert_dose\tpert_dose_unit\ttas\n\
    S1\tvorinostat\tA375\ttrt_cp\t10\tuM\t0.5\nS2\tvorinostat\tA375\ttrt_cp\t10000\tnM\t0.4\n\
    S3\tvorinostat\tMCF7\ttrt_cp\t10\tµM\t0.3\nS4\tgefitinib\tMCF7\ttrt_cp\t1\tμM\t0.1\n\
    S5\tgefitinib\tA375\ttrt_cp\t1\tum\t-666\nS6\tDMSO\tA375\tctl_vehicle\t-666\t-666\t0\n\
    S7\tgefitinib\t-666\ttrt_cp\t1\tuM\t0.2\nS8\tgefitinib\tA375\ttrt_cp\t1\tuM\t0.2\n";

const MATRIX: &str = "gene,S1,S2,S3,S4,S5,S6,S7,SX\n\
    G1,1,3,5,7,9,0,1,0\nG2,2,6,1,1,3,0,2,0\nG3,4,4,2,8,1,1,3,1\n";

/// A lab with the matrix, the table and these keys of `[assay.samples]`.
fn lab(context: &str, keys: &str) -> Lab {
    lab_of(MATRIX, SIGINFO, context, keys)
}

fn lab_of(matrix: &str, siginfo: &str, context: &str, keys: &str) -> Lab {
    let mut lab = Lab::new("");
    fs::write(lab.folder.path().join("level5.csv"), matrix).unwrap();
    fs::write(lab.folder.path().join("siginfo.txt"), siginfo).unwrap();
    lab.recipe += &format!(
        "[[assay]]\nfile = \"level5.csv\"\nlayout = \"wide-readout-rows\"\ntype = \"compound\"\n\
         context = \"{context}\"\n[assay.samples]\nfile = \"siginfo.txt\"\nid = \"sig_id\"\n\
         perturbation = \"{{cmap_name}}\"\n{keys}\n"
    );
    lab
}

const COMPOUNDS: &str = "filter = [{ column = \"pert_type\", values = [\"trt_cp\"] }]";

fn contexts(dataset: &Dataset) -> Vec<&str> {
    dataset.contexts.iter().map(|context| context.0.as_str()).collect()
}

fn rows(dataset: &Dataset) -> Vec<Vec<f32>> {
    (0..dataset.profiles.n_profiles()).map(|profile| dataset.profiles.row(profile)).collect()
}

fn notices(dataset: &Dataset) -> String {
    dataset.report.to_string()
}

#[test]
fn a_pattern_gives_one_context_per_value_in_sorted_order() {
    let keys = format!("collapse = \"mean\"\n{COMPOUNDS}");
    let dataset = lab("L1000 {cell_iname}", &keys).dataset();
    assert_eq!(contexts(&dataset), ["L1000 A375", "L1000 MCF7"]);
    assert_eq!(symbols(&dataset), ["gefitinib", "vorinostat"]);
    let expected = [[9.0, 3.0, 1.0], [7.0, 1.0, 8.0], [2.0, 4.0, 4.0], [5.0, 1.0, 2.0]];
    assert_eq!(rows(&dataset), expected, "gefitinib in A375 and MCF7, then vorinostat");
    let kept: Vec<usize> = dataset.report.assays.iter().map(|assay| assay.n_profiles).collect();
    assert_eq!(kept, [2, 2]);
}

#[test]
fn nothing_is_left_out_silently() {
    let keys = format!("collapse = \"mean\"\n{COMPOUNDS}");
    let notices = notices(&lab("L1000 {cell_iname}", &keys).dataset());
    for notice in [
        "siginfo.txt: 1 rows do not pass the filters",
        "siginfo.txt: 1 rows name no perturbation or context",
        "3 of 8 samples are not in `siginfo.txt` as filtered",
    ] {
        assert!(notices.contains(notice), "`{notice}` is not in: {notices}");
    }
}

#[test]
fn an_expanded_context_finds_its_assay() {
    let lab = lab("L1000 {cell_iname}", &format!("collapse = \"mean\"\n{COMPOUNDS}"));
    let recipe = lab.dataset().recipe;
    assert_eq!(recipe.assay_of("L1000 MCF7").unwrap().context.as_str(), "L1000 {cell_iname}");
    assert!(recipe.assay_of("GDSC1").is_none());
}

#[test]
fn replicates_that_nothing_collapses_follow_duplicates() {
    let refusal = lab("L1000 {cell_iname}", COMPOUNDS).refusal();
    assert!(
        refusal.contains("`vorinostat` has 2 profiles") && refusal.contains("`collapse`"),
        "{refusal}"
    );
    let mut averaged = lab("L1000 {cell_iname}", COMPOUNDS);
    averaged.recipe = averaged.recipe.replacen("[[assay]]", "duplicates = \"mean\"\n[[assay]]", 1);
    assert_eq!(rows(&averaged.dataset())[2], [2.0, 4.0, 4.0]);
}

#[test]
fn replicates_become_their_median_or_moderated_mean() {
    let matrix = "gene,S1,S2,S3\nG1,1,3,-9\nG2,2,6,9\nG3,4,8,-7\nG4,0,1,5\n";
    let siginfo = SIGINFO.replace("MCF7", "A375");
    let read = |collapse: &str| {
        let keys = format!("collapse = \"{collapse}\"\n{COMPOUNDS}");
        rows(&lab_of(matrix, &siginfo, "L1000 {cell_iname}", &keys).dataset()).remove(0)
    };
    assert_eq!(read("median"), [1.0, 6.0, 4.0, 1.0]);
    // S1 and S2 agree in rank (1, with −.4 of S3 as 0: .5); S3 agrees with none (.01).
    let weighted = |a: f32, b: f32, c: f32| (0.5 * a + 0.5 * b + 0.01 * c) / 1.01;
    let expected = [weighted(1.0, 3.0, -9.0), weighted(2.0, 6.0, 9.0)];
    let received = read("modz");
    assert!(received.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{received:?}");
}

#[test]
fn doses_in_any_unit_are_compared_in_one() {
    let keys = "collapse = \"mean\"\n[[assay.samples.filter]]\ncolumn = \"pert_dose\"\nat_least = \"10 uM\"\n";
    let dataset = lab("fixed", keys).dataset();
    assert_eq!(symbols(&dataset), ["vorinostat"]);
    assert_eq!(rows(&dataset), [[3.0, 3.0, 10.0 / 3.0]], "S1, S2 in nM and S3");
    let notices = notices(&dataset);
    assert!(
        notices.contains("`pert_dose` in nM, uM, um, µM, μM is compared in one unit"),
        "{notices}"
    );
    assert!(notices.contains("1 rows do not know `pert_dose`: left out"), "{notices}");
}

#[test]
fn doses_are_never_compared_blindly() {
    let filter = |bound: &str| {
        let keys = format!("[[assay.samples.filter]]\ncolumn = \"pert_dose\"\nat_most = {bound}\n");
        lab("fixed", &keys).refusal()
    };
    let refusal = filter("10");
    assert!(
        refusal.contains("`pert_dose_unit` gives units") && refusal.contains("\"10 uM\""),
        "{refusal}"
    );
    let refusal = filter("\"24 h\"");
    assert!(
        refusal.contains("line 2") && refusal.contains("a time") && refusal.contains("`10` uM"),
        "{refusal}"
    );
    let refusal = filter("\"ten\"");
    assert!(refusal.contains("a number, a dose"), "{refusal}");
    let keys = "[[assay.samples.filter]]\ncolumn = \"pert_dose\"\nat_most = \"10 uM\"\n";
    let foreign = SIGINFO.replace("1\tuM\t0.2\nS8", "1\tng/ml\t0.2\nS8");
    let refusal = lab_of(MATRIX, &foreign, "fixed", keys).refusal();
    assert!(refusal.contains("line 8") && refusal.contains("ng/ml"), "{refusal}");
}

#[test]
fn doses_whose_unit_stands_in_the_cell_are_read() {
    let siginfo = "sig_id,cmap_name,pert_idose,pert_itime\nS1,a,10 uM,24 h\nS2,b,500 nM,6 h\nS3,c,20 µM,24 h\n";
    let keys = "[[assay.samples.filter]]\ncolumn = \"pert_idose\"\nat_least = \"1 uM\"\nat_most = \"20 uM\"\n\
                [[assay.samples.filter]]\ncolumn = \"pert_itime\"\nat_least = \"1 day\"\n";
    assert_eq!(symbols(&lab_of(MATRIX, siginfo, "fixed", keys).dataset()), ["a", "c"]);
}

#[test]
fn numbers_are_bounded_and_unknown_ones_left_out() {
    let keys = "collapse = \"mean\"\n[[assay.samples.filter]]\ncolumn = \"tas\"\nat_least = 0.3\n";
    let dataset = lab("{cell_iname}", keys).dataset();
    assert_eq!(symbols(&dataset), ["vorinostat"]);
    assert!(notices(&dataset).contains("1 rows do not know `tas`: left out"));
    let letters = SIGINFO.replace("0.3", "high");
    let refusal = lab_of(MATRIX, &letters, "{cell_iname}", keys).refusal();
    assert!(refusal.contains("line 4, column `tas`") && refusal.contains("`high`"), "{refusal}");
}

#[test]
fn readouts_that_a_table_does_not_name_are_dropped_or_kept() {
    let read = |unnamed: &str| {
        let mut lab = lab("fixed", "collapse = \"mean\"");
        let genes = "gene_id,gene_symbol,feature_space\nG1,BRAF,landmark\nG2,MDM2,inferred\nG3,EGFR,landmark\n";
        fs::write(lab.folder.path().join("geneinfo.txt"), genes).unwrap();
        lab.recipe += &format!(
            "[assay.readout_names]\nfile = \"geneinfo.txt\"\nfrom = \"gene_id\"\nto = \"gene_symbol\"\n\
             unnamed = \"{unnamed}\"\nfilter = [{{ column = \"feature_space\", values = [\"landmark\"] }}]\n"
        );
        lab.dataset()
    };
    let names =
        |dataset: &Dataset| dataset.readouts.iter().map(|r| r.0.clone()).collect::<Vec<_>>();
    let dropped = read("drop");
    assert_eq!(names(&dropped), ["BRAF", "EGFR"]);
    assert!(notices(&dropped).contains("1 readouts are not in `geneinfo.txt`: left out"));
    assert_eq!(names(&read("keep")), ["BRAF", "EGFR", "G2"]);
}

#[test]
fn a_table_that_names_no_sample_is_refused() {
    let siginfo = SIGINFO.replace("\nS", "\nX");
    let refusal = lab_of(MATRIX, &siginfo, "fixed", "").refusal();
    assert!(refusal.contains("none of its 8 samples is in `siginfo.txt`"), "{refusal}");
    let turned = "sig,G1,G2\nS1,1,2\nS3,2,5\n";
    let refusal = lab_of(turned, SIGINFO, "fixed", "").refusal();
    assert!(refusal.contains("check its `layout`"), "{refusal}");
}

#[test]
fn a_sample_that_occurs_twice_is_refused() {
    let refusal =
        lab_of(&MATRIX.replace("S7", "S1"), SIGINFO, "fixed", "collapse = \"mean\"").refusal();
    assert!(refusal.contains("sample `S1` occurs twice"), "{refusal}");
    let siginfo = SIGINFO.replace("S8\tgefitinib", "S1\tgefitinib");
    let refusal = lab_of(MATRIX, &siginfo, "fixed", "").refusal();
    assert!(refusal.contains("line 9") && refusal.contains("`S1` as `vorinostat`"), "{refusal}");
}

#[test]
fn keys_that_contradict_each_other_are_refused() {
    let refusal = |context: &str, from: &str, to: &str| {
        let mut lab = lab(context, "");
        lab.recipe = lab.recipe.replace(from, to);
        lab.refusal()
    };
    assert!(refusal("{cell", "", "").contains("without its `}`"));
    assert!(refusal("a", "{cmap_name}", "all").contains("names no column"));
    assert!(refusal("a", "file = \"siginfo.txt\"\n", "").contains("holds no sample table"));
    let refusal = refusal("{cell}", "", "");
    assert!(refusal.contains("a column `cell`") && refusal.contains("did you mean"), "{refusal}");
    let mut lab = Lab::new("").assay("drugs", "compound", "line,a,b\nA,1,2\nB,3,5\n");
    lab.recipe = lab.recipe.replace("context = \"drugs\"", "context = \"drugs {cell}\"");
    assert!(lab.refusal().contains("[assay.samples]"));
}

#[test]
fn contexts_that_two_assays_could_give_are_refused() {
    let mut lab = lab("L1000 {cell_iname}", &format!("collapse = \"mean\"\n{COMPOUNDS}"));
    fs::write(lab.folder.path().join("own.csv"), "gene,x,y\nG1,1,2\nG2,3,5\nG3,0,1\n").unwrap();
    lab.recipe += "[[assay]]\nfile = \"own.csv\"\nlayout = \"wide-readout-rows\"\ntype = \"compound\"\n\
                   context = \"L1000 MCF7\"\n";
    let refusal = lab.refusal();
    assert!(refusal.contains("would be taken for one of the assay `L1000 MCF7`"), "{refusal}");
}

#[test]
fn a_context_of_useless_profiles_is_left_out_with_a_notice() {
    let matrix = "gene,S1,S2,S3,S4,S5\nG1,1,3,5,5,9\nG2,2,6,5,5,3\nG3,4,4,5,5,1\n";
    let keys = format!("collapse = \"mean\"\n{COMPOUNDS}");
    let dataset = lab_of(matrix, SIGINFO, "L1000 {cell_iname}", &keys).dataset();
    assert_eq!(contexts(&dataset), ["L1000 A375"]);
    assert!(notices(&dataset).contains("left out: assay `L1000 MCF7`"), "{}", notices(&dataset));
}
