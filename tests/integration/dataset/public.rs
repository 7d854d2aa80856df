//! Releases as their publishers offer them, in small.
//!
//! `tests/fixtures/formats/gdsc.xlsx` and `dates.xlsx` were written by openpyxl 3.1.5 with this program:
//!
//! ```python
//! import datetime, openpyxl
//!
//! columns = ["DATASET", "NLME_RESULT_ID", "NLME_CURVE_ID", "COSMIC_ID", "CELL_LINE_NAME", "SANGER_MODEL_ID", "TCGA_DESC",
//!            "DRUG_ID", "DRUG_NAME", "PUTATIVE_TARGET", "PATHWAY_NAME", "COMPANY_ID", "WEBRELEASE", "MIN_CONC", "MAX_CONC",
//!            "LN_IC50", "AUC", "RMSE", "Z_SCORE"]
//! book = openpyxl.Workbook()
//! sheet = book.active
//! sheet.append(columns)
//! lines = [("A375", 906793, "SIDM00795"), ("MCF7", 905946, "SIDM00148"), ("HT-29", 905939, "SIDM00136"), ("GHOST", 1, "SIDM99999")]
//! drugs = [(1373, "Dabrafenib", [-2.5, 3.25, -1.0, 0.5]), (1047, "Nutlin-3a (-)", [1.5, 2.0, 5.125, None])]
//! for drug_id, drug, values in drugs:
//!     for (line, cosmic, sanger), value in zip(lines, values):
//!         sheet.append(["GDSC2", 343, 15946310, cosmic, line, sanger, "SKCM", drug_id, drug, "BRAF", "ERK MAPK signaling", 1046,
//!                       "Y", 0.010005, 10, value, 0.5, 0.1, -1.0])
//! book.create_sheet("notes").append(["another sheet"])
//! book.save("tests/fixtures/formats/gdsc.xlsx")
//!
//! book = openpyxl.Workbook()
//! sheet = book.active
//! for row in [["line", datetime.date(2024, 3, 1), "BRAF"], [], ["A375", 1.0, "#N/A"], ["MCF7", True, 2.5]]:
//!     sheet.append(row)
//! sheet["C3"].data_type = "e"
//! book.save("tests/fixtures/formats/dates.xlsx")
//! ```

use std::fs;
use std::path::Path;

use phenocopy::dataset::{Dataset, DatasetOptions, Recipe};
use phenocopy::table::{Rows, TextFormat, Writing};
use tempfile::TempDir;

use super::{repository, symbols};

fn fixture(name: &str) -> std::path::PathBuf {
    repository().join("tests/fixtures/formats").join(name)
}

/// The columns of each file are those of its release.
const FILES: [(&str, &str); 10] = [
    (
        "depmap/Model.csv",
        "ModelID,PatientID,CellLineName,StrippedCellLineName,OncotreePrimaryDisease,RRID,CCLEName,COSMICID,SangerModelID\n\
         ACH-000219,PT-1,A-375,A375,Melanoma,CVCL_0132,A375_SKIN,906793.0,SIDM00795\n\
         ACH-000019,PT-2,MCF7,MCF7,Invasive Breast Carcinoma,CVCL_0031,MCF7_BREAST,905946.0,SIDM00148\n\
         ACH-000552,PT-3,HT-29,HT29,Colorectal Adenocarcinoma,CVCL_0320,HT29_LARGE_INTESTINE,905939.0,SIDM00136\n\
         ACH-000001,PT-4,KM-H2,KMH2,Hodgkin Lymphoma,,,,\n\
         ACH-000002,PT-5,KMH-2,KMH2,Thyroid Cancer,,,,\n",
    ),
    (
        "depmap/CRISPRGeneEffect.csv",
        ",BRAF (673),MDM2 (4193),MARCH1 (55016)\n\
         ACH-000219,-1.5,-0.1,0.2\nACH-000019,0.1,-1.25,-0.1\nACH-000552,-0.75,,0.3\nACH-000001,0.1,0.2,0.3\n",
    ),
    (
        "prism/secondary-screen-dose-response-curve-parameters.csv",
        "broad_id,depmap_id,ccle_name,screen_id,upper_limit,lower_limit,slope,r2,auc,ec50,ic50,name,moa,target,disease.area,indication,smiles,phase,passed_str_profiling,row_name\n\
         BRD-K1,ACH-000219,A375_SKIN,HTS002,1,0,1,.9,0.5,1,1,dabrafenib,RAF inhibitor,BRAF,oncology,melanoma,C,Launched,TRUE,ACH-000219\n\
         BRD-K1,ACH-000219,A375_SKIN,MTS005,1,0,1,.9,0.75,1,1,dabrafenib,RAF inhibitor,BRAF,oncology,melanoma,C,Launched,TRUE,ACH-000219\n\
         BRD-K1,ACH-000019,MCF7_BREAST,HTS002,1,0,1,.9,1.0,1,,dabrafenib,RAF inhibitor,BRAF,oncology,melanoma,C,Launched,TRUE,ACH-000019\n\
         BRD-K1,,,HTS002,1,0,1,.9,0.9,1,,dabrafenib,RAF inhibitor,BRAF,oncology,melanoma,C,Launched,FALSE,FAILED_STR\n",
    ),
    (
        "ctrp/v20.data.curves_post_qc.txt",
        "experiment_id\tconc_pts_fit\tapparent_ec50_umol\tpred_pv_high_conc\tarea_under_curve\tmaster_cpd_id\n\
         1\t16\t1\t.5\t10\t1788\n2\t16\t1\t.5\t14\t1788\n3\t16\t1\t.5\t12\t1788\n4\t16\t1\t.5\t9\t1788\n\
         5\t16\t1\t.5\t8\t1788\n",
    ),
    (
        "ctrp/v20.meta.per_experiment.txt",
        "experiment_id\trun_id\texperiment_date\tculture_media\tmaster_ccl_id\n\
         1\tR1\t20120501\tRPMI\t11\n1\tR2\t20120502\tRPMI\t11\n2\tR3\t20120501\tRPMI\t12\n3\tR4\t20120501\tRPMI\t11\n\
         4\tR5\t20120501\tRPMI\t13\n5\tR6\t20120501\tRPMI\t14\n",
    ),
    (
        "ctrp/v20.meta.per_cell_line.txt",
        "master_ccl_id\tccl_name\tccle_primary_site\n11\tA375\tskin\n12\tMCF7\tbreast\n13\tKMH2\tblood\n14\tHT29\tcolon\n",
    ),
    (
        "ctrp/v20.meta.per_compound.txt",
        "master_cpd_id\tcpd_name\tbroad_cpd_id\n1788\tnutlin-3\tBRD-A1\n",
    ),
    (
        "repurposing-hub/repurposing_drugs_20200324.txt",
        "!comment\npert_iname\tclinical_phase\tmoa\ttarget\tdisease_area\tindication\n\
         dabrafenib\tLaunched\tRAF inhibitor\tBRAF|RAF1\toncology\tmelanoma\n",
    ),
    (
        "repurposing-hub/repurposing_samples_20200324.txt",
        "!comment\nbroad_id\tpert_iname\tqc_incompatible\tpurity\tsmiles\tInChIKey\tpubchem_cid\tdeprecated_broad_id\n\
         BRD-K09951645-001-01-1\tdabrafenib\t0\t98\tC\tBFSMGDJOXZAERB-UHFFFAOYSA-N\t44462760\t\n",
    ),
    (
        "hgnc/hgnc_complete_set.txt",
        "hgnc_id\tsymbol\tname\talias_symbol\tprev_symbol\tentrez_id\tensembl_gene_id\n\
         HGNC:1097\tBRAF\tB-Raf\t\"BRAF-1|B-RAF1\"\t\t673\tENSG00000157764\nHGNC:6973\tMDM2\tMDM2\t\"HDM2\"\t\t4193\tENSG00000135679\n\
         HGNC:26077\tMARCHF1\tring finger 1\t\"RNF171\"\t\"MARCH1\"\t55016\tENSG00000145416\n",
    ),
];

/// The folder that `phenocopy databases get` fills, in small.
fn releases() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    for (path, content) in FILES {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    fs::create_dir_all(home.path().join("gdsc")).unwrap();
    for release in ["GDSC1", "GDSC2"] {
        let name = format!("gdsc/{release}_fitted_dose_response_27Oct23.xlsx");
        fs::copy(fixture("gdsc.xlsx"), home.path().join(name)).unwrap();
    }
    home
}

fn recipe() -> Recipe {
    let mut recipe = Recipe::read(repository().join("data/cancer-viability-public.toml")).unwrap();
    (recipe.min_values, recipe.normalisation) = (1, Vec::new());
    recipe
}

/// What each compound or gene has in a context, by readout, missing values left out.
fn values(dataset: &Dataset, symbol: &str, context: &str) -> Vec<(String, f32)> {
    let perturbation = symbols(dataset).iter().position(|own| own == symbol).unwrap() as u32;
    let context = dataset.contexts.iter().position(|own| own.0 == context).unwrap() as u32;
    let mut keys = dataset.profiles.keys().iter();
    let at =
        keys.position(|key| (key.perturbation, key.context) == (perturbation, context)).unwrap();
    let named =
        dataset.readouts.iter().map(|readout| readout.0.clone()).zip(dataset.profiles.row(at));
    named.filter(|(_, value)| !value.is_nan()).collect()
}

fn row(values: &[(&str, f32)]) -> Vec<(String, f32)> {
    values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
}

#[test]
fn the_public_recipe_reads_the_files_as_they_are_published() {
    let home = releases();
    let dataset = Dataset::from_recipe(&recipe(), home.path(), &DatasetOptions::default()).unwrap();
    let [a375, mcf7, ht29] = ["ACH-000219", "ACH-000019", "ACH-000552"];
    let known = ["Nutlin-3a (-)", "dabrafenib", "nutlin-3"];
    let knockouts = ["CRISPR-KO_BRAF", "CRISPR-KO_MARCHF1", "CRISPR-KO_MDM2"];
    assert_eq!(symbols(&dataset), [known, knockouts].concat());
    for context in ["GDSC1", "GDSC2"] {
        let dabrafenib = values(&dataset, "dabrafenib", context);
        assert_eq!(dabrafenib, row(&[(mcf7, 3.25), (a375, -2.5), (ht29, -1.0)]), "{context}");
    }
    // Two screens of one line are averaged, lines of doubtful identity left out.
    assert_eq!(values(&dataset, "dabrafenib", "PRISM"), row(&[(mcf7, 1.0), (a375, 0.625)]));
    // Two experiments on one line are averaged; KMH2 may be two lines.
    assert_eq!(
        values(&dataset, "nutlin-3", "CTRPv2"),
        row(&[(mcf7, 14.0), (a375, 11.0), (ht29, 8.0)])
    );
    assert_eq!(values(&dataset, "CRISPR-KO_MDM2", "CRISPR"), row(&[(mcf7, -1.25), (a375, -0.1)]));
    let report = dataset.report.to_string();
    for notice in [
        "GDSC2: 1 readouts are not in `depmap/Model.csv`: left out",
        "CTRPv2: 1 readouts are not in `depmap/Model.csv`: left out; 1 of them have several meanings there, such as KMH2",
        "CTRPv2: 1 readouts averaged with another of the same name, such as ACH-000219",
        "merged: MARCH1 → MARCHF1 (alias or previous symbol)",
    ] {
        assert!(report.contains(notice), "`{notice}` is not in:\n{report}");
    }
    let annotation = super::annotation(&dataset, "dabrafenib");
    assert_eq!(
        annotation.targets.iter().map(|target| target.0.as_str()).collect::<Vec<_>>(),
        ["BRAF", "RAF1"]
    );
    assert_eq!(annotation.inchi_key, "BFSMGDJOXZAERB-UHFFFAOYSA-N");
    let names: Vec<&str> = dataset.readout_annotations.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["MCF7", "A-375", "HT-29"]);
}

#[test]
fn a_name_that_a_table_gives_two_meanings_is_refused_where_names_are_kept() {
    let home = releases();
    let mut recipe = recipe();
    let ctrp = recipe.assays.iter_mut().find(|assay| assay.context.as_str() == "CTRPv2").unwrap();
    let chain = ctrp.readout_names.as_mut().unwrap();
    assert_eq!(chain.0.len(), 3);
    chain.0[2].unnamed = phenocopy::table::Unnamed::Keep;
    let error = Dataset::from_recipe(&recipe, home.path(), &DatasetOptions::default()).unwrap_err();
    assert!(error.to_string().contains("`KMH2` as `ACH-000001` and as `ACH-000002`"), "{error}");
}

#[test]
fn readouts_that_get_one_name_are_refused_where_duplicates_are() {
    let home = releases();
    let mut recipe = recipe();
    let ctrp = recipe.assays.iter_mut().find(|assay| assay.context.as_str() == "CTRPv2").unwrap();
    ctrp.duplicates = Some(phenocopy::table::Duplicates::Error);
    let error = Dataset::from_recipe(&recipe, home.path(), &DatasetOptions::default()).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("are both `ACH-000219`") && message.contains("duplicates"),
        "{message}"
    );
}

#[test]
fn a_chain_of_tables_is_written_as_one_or_several_and_names_a_wrong_key() {
    let text = fs::read_to_string(repository().join("data/cancer-viability-public.toml")).unwrap();
    for (from, to) in
        [("from = \"SangerModelID\"", "form = \"x\""), ("from = \"master_ccl_id\"", "form = \"x\"")]
    {
        let error = Recipe::parse(&text.replacen(from, to, 1), "r.toml".as_ref()).unwrap_err();
        assert!(error.to_string().contains("unknown field `form`"), "{error}");
    }
    let error = Recipe::parse(
        &text.replacen("perturbation_names = {", "perturbation_names = \"x\" # {", 1),
        "r.toml".as_ref(),
    );
    assert!(error.unwrap_err().to_string().contains("an array of such tables"));
}

#[test]
fn the_first_sheet_of_a_workbook_is_a_table() {
    let mut rows = Rows::open(&fixture("gdsc.xlsx"), TextFormat::Detect).unwrap();
    assert_eq!(rows.writing(), Writing::Workbook);
    assert_eq!((rows.header().len(), rows.column("LN_IC50").unwrap()), (19, 15));
    let first = rows.next_row().unwrap().unwrap();
    assert_eq!([&first[3], &first[4], &first[15]], ["906793", "A375", "-2.5"]);
    let mut last = first;
    while let Some(row) = rows.next_row().unwrap() {
        last = row;
    }
    assert_eq!((last[4].as_str(), last[15].as_str()), ("GHOST", ""));
}

#[test]
fn dates_and_errors_of_a_workbook_are_told() {
    let mut rows = Rows::open(&fixture("dates.xlsx"), TextFormat::Detect).unwrap();
    assert_eq!(rows.header(), ["line", "1-Mar", "BRAF"], "a symbol that became a date is one");
    assert_eq!(rows.next_row().unwrap().unwrap(), ["A375", "1", "#VALUE!"]);
    assert_eq!(rows.next_row().unwrap().unwrap(), ["MCF7", "TRUE", "2.5"]);
    assert!(rows.next_row().unwrap().is_none());
}

/// A workbook of one sheet with these cells.
#[cfg(feature = "download")]
fn workbook(cells: &[(u32, &str, &str)]) -> tempfile::NamedTempFile {
    use std::io::Write;

    let cell = |(row, column, text): &(u32, &str, &str)| {
        format!(
            "<row r=\"{row}\"><c r=\"{column}{row}\" t=\"inlineStr\"><is><t>{text}</t></is></c></row>"
        )
    };
    let (main, office, package) = (
        "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
        "http://schemas.openxmlformats.org/package/2006/relationships",
    );
    let rows: String = cells.iter().map(cell).collect();
    let parts = [
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{package}\"><Relationship Id=\"one\" Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets><sheet name=\"a\" sheetId=\"1\" r:id=\"one\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{package}\"><Relationship Id=\"one\" Type=\"{office}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>"),
        ),
    ];
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let mut archive = zip::ZipWriter::new(&mut file);
    for (path, text) in parts {
        archive.start_file(path, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap();
    file
}

#[cfg(feature = "download")]
#[test]
fn rows_that_a_workbook_lacks_are_counted_and_cells_beyond_a_sheet_refused() {
    use phenocopy::table::{Orientation, Wanted, read_matrix};

    let head = [(1, "A", "line"), (1, "B", "BRAF")];
    for row in [3, 6, 1 << 20] {
        let rows =
            [(row - 1, "A", "A375"), (row - 1, "B", "1"), (row, "A", "MCF7"), (row, "B", "high")];
        let file = workbook(&[&head[..], &rows].concat());
        let orientation = Orientation::PerturbationRows;
        let read = read_matrix(file.path(), TextFormat::Detect, orientation, None, Wanted::ALL);
        let message = read.unwrap_err().to_string();
        assert!(message.contains(&format!(" {row}, column `BRAF`")), "{message}");
    }
    for (beyond, told) in [
        ((u32::MAX, "A", "far"), "a cell in row 4294967295, column 1"),
        (((1 << 20) + 1, "A", "far"), "a cell in row 1048577, column 1"),
        ((2, "XFE", "far"), "a cell in row 2, column 16385"),
    ] {
        let file = workbook(&[&head[..], &[beyond]].concat());
        let message = Rows::open(file.path(), TextFormat::Detect).err().unwrap().to_string();
        assert!(message.contains(told), "{told}: {message}");
    }
    let file = workbook(&[&head[..], &[(2, "XFD", "last")]].concat());
    assert!(Rows::open(file.path(), TextFormat::Detect).is_ok());
}

#[test]
fn a_damaged_workbook_is_refused() {
    let whole = fs::read(fixture("gdsc.xlsx")).unwrap();
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("cut.xlsx");
    let open =
        |path: &Path| Rows::open(path, TextFormat::Detect).err().map(|error| error.to_string());
    for length in [4, 100, whole.len() / 2, whole.len() - 10] {
        fs::write(&path, &whole[..length]).unwrap();
        let message = open(&path).unwrap();
        assert!(
            message.contains("a ZIP archive or Excel workbook that cannot be read"),
            "{message}"
        );
    }
}
