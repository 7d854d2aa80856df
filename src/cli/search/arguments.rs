use std::path::PathBuf;

use clap::{Args, ValueEnum};
use phenocopy::experiment::PerturbationType;
use phenocopy::index::Filter;
use phenocopy::search::{Correction, Direction, Query, Scope, Via};

use crate::cli::IndexArgument;
use crate::cli::filter_arguments::{FilterArguments, perturbation_type};
use crate::cli::output::{Form, Format, OutputArguments};

/// Names to search for, the panel, and the form of the answer.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  phenocopy search venetoclax\n  \
    phenocopy search BRAF EGFR -k 5 --moa inhibitor --phase Launched\n  \
    phenocopy search nutlin-3a --to all -o hits.tsv\n  \
    phenocopy search 'dabrafenib+trametinib' --to all\n  \
    phenocopy search --signature my-profile.csv --context GDSC1\n  \
    phenocopy search --smiles 'CC(=O)Oc1ccccc1C(=O)O'\n  \
    phenocopy search --queries compounds.txt -o hits.tsv\n  \
    phenocopy search --queries screen.csv:compound -o hits.parquet\n  \
    phenocopy search venetoclax --picklist druggable.grp\n  \
    phenocopy search MDM2 --filter 'moa:\"MDM inhibitor\" OR target:TP53'")]
pub(crate) struct SearchArguments {
    /// Compounds or genes: symbols, names, synonyms or identifiers; `A+B` for a combination
    #[arg(required_unless_present_any = ["signature", "smiles", "list"], value_name = "QUERY")]
    pub(super) queries: Vec<String>,
    /// More queries: a file with one name a line, columns of a table (CSV, TSV, Parquet), or - for standard input
    #[arg(long = "queries", value_name = "FILE[:COLUMN]", conflicts_with_all = ["signature", "smiles"])]
    pub(super) list: Option<String>,
    /// Go on where an interrupted run with --queries, --format tsv and -o was cut off
    #[arg(long, requires = "list", requires = "output")]
    pub(super) resume: bool,
    /// A profile of your own, folded into the index: a table of readouts and values, or of limma, DESeq2 or edgeR (COLUMN
    /// is that of the values, where several could be), or a gene set of a GRP or GMT file (COLUMN is its name)
    #[arg(long, value_name = "FILE[:COLUMN]", conflicts_with_all = ["queries", "query_type"])]
    pub(super) signature: Option<String>,
    /// Features (a table: names, then numbers) that place queries which were never measured: predictions
    #[arg(long, value_name = "FILE", conflicts_with = "signature")]
    pub(super) features: Option<PathBuf>,
    /// The structure of a compound that was never measured, placed by those of the index: a prediction; repeatable
    #[arg(long, value_name = "SMILES", conflicts_with_all = ["queries", "query_type", "signature", "features"])]
    pub(super) smiles: Vec<String>,
    /// The context whose profiles the signature resembles; without it the chemical one that fits best
    #[arg(long, value_name = "NAME", conflicts_with_all = ["queries", "smiles"])]
    pub(super) context: Option<String>,
    /// The signature is normalised already; otherwise the context's normalisation is applied
    #[arg(long, conflicts_with_all = ["queries", "smiles"])]
    pub(super) normalised: bool,
    #[command(flatten)]
    pub(super) index: IndexArgument,
    /// Which side can be hits; without it a compound finds genes and a gene finds compounds
    #[arg(long, value_enum, value_name = "SIDE")]
    pub(super) to: Option<ScopeArgument>,
    #[command(flatten)]
    pub(super) panel: FilterArguments,
    /// What that chooses, once the index is open
    #[arg(skip)]
    pub(super) chosen: Filter,
    /// What the query is, when its name stands for several types
    #[arg(long, value_name = "TYPE", value_parser = perturbation_type)]
    pub(super) query_type: Option<PerturbationType>,
    /// How many hits; more than the panel gives the whole panel
    #[arg(short, default_value_t = 10, value_name = "N")]
    pub(super) k: usize,
    /// Walk the graph or scan exactly; auto chooses by the rows left after the filter
    #[arg(long, value_enum, default_value_t = ViaArgument::Auto)]
    pub(super) via: ViaArgument,
    /// Which effect hits have: the same, the opposite (ranked by predicted responses), or either
    #[arg(long, value_enum, default_value_t = DirectionArgument::Mimic)]
    pub(super) direction: DirectionArgument,
    /// What q-values are corrected for: each query's panel, or all pairs of queries and panel; none leaves statistics out
    #[arg(long, value_enum, default_value_t = CorrectArgument::Query)]
    pub(super) correct: CorrectArgument,
    /// List mechanisms that the queries resemble instead of hits (table and TSV)
    #[arg(long)]
    pub(super) mechanisms: bool,
    /// Form of the answer [default: by the ending of -o, else table]
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
    #[command(flatten)]
    pub(super) output: OutputArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ScopeArgument {
    Genetic,
    Chemical,
    All,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ViaArgument {
    Auto,
    Graph,
    Scan,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum DirectionArgument {
    Mimic,
    Oppose,
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CorrectArgument {
    Query,
    Batch,
    None,
}

impl SearchArguments {
    /// The form of the answer, once `check` has found that there is one.
    pub(super) fn form(&self) -> Format {
        self.output.form(self.format).unwrap_or(Format::WITHOUT)
    }

    pub(super) fn query(&self, name: &str) -> Query {
        Query {
            perturbation_type: self.query_type,
            scope: self.scope(),
            filter: self.filter(),
            k: self.k,
            via: self.via(),
            direction: self.direction(),
            correction: self.correction(),
            ..Query::new(name)
        }
    }

    pub(super) fn scope(&self) -> Scope {
        match self.to {
            None => Scope::Across,
            Some(ScopeArgument::Genetic) => Scope::Genetic,
            Some(ScopeArgument::Chemical) => Scope::Chemical,
            Some(ScopeArgument::All) => Scope::All,
        }
    }

    pub(super) fn filter(&self) -> Filter {
        self.chosen.clone()
    }

    pub(super) fn via(&self) -> Via {
        match self.via {
            ViaArgument::Auto => Via::Auto,
            ViaArgument::Graph => Via::Graph,
            ViaArgument::Scan => Via::Scan,
        }
    }

    pub(super) fn direction(&self) -> Direction {
        match self.direction {
            DirectionArgument::Mimic => Direction::Mimic,
            DirectionArgument::Oppose => Direction::Oppose,
            DirectionArgument::Both => Direction::Both,
        }
    }

    pub(super) fn correction(&self) -> Correction {
        match self.correct {
            CorrectArgument::Query => Correction::Query,
            CorrectArgument::Batch => Correction::Batch,
            CorrectArgument::None => Correction::Skip,
        }
    }
}
