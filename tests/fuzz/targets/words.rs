#![no_main]
//! Words that mean something: doses, times, names, structures.

use libfuzzer_sys::fuzz_target;
use phenocopy::experiment::{Dose, Perturbation, PerturbationType, TimePoint};
use phenocopy::table::{
    Fingerprint, Pattern, compound_key, excel_date, identifier_key, is_missing, lookup_key,
};

fuzz_target!(|text: &str| {
    let _ = (Dose::parse(text), TimePoint::parse(text), Pattern::parse(text), excel_date(text));
    let _ = (is_missing(text), compound_key(text), identifier_key(text), lookup_key(text));
    let _ = Fingerprint::of_smiles(text);
    for perturbation_type in PerturbationType::ALL {
        let _ = Perturbation::named(perturbation_type, text).member_symbols();
    }
});
