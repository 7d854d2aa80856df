use serde::{Deserialize, Serialize};
use std::fmt;

/// One half of the search space: a search across goes from one side to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Compounds.
    Chemical,
    /// Knock-outs, knock-downs and over-expression of genes.
    Genetic,
}

impl Side {
    /// Returns the other side.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Chemical => Self::Genetic,
            Self::Genetic => Self::Chemical,
        }
    }

    /// Returns `chemical` or `genetic`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chemical => "chemical",
            Self::Genetic => "genetic",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The kind of an intervention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PerturbationType {
    /// A small molecule (`trt_cp`).
    Compound,
    /// A CRISPR knock-out (`trt_xpr`).
    CrisprKnockout,
    /// A short hairpin RNA knock-down (`trt_sh`).
    Shrna,
    /// A small interfering RNA knock-down (`trt_si`).
    Sirna,
    /// An over-expressed open reading frame (`trt_oe`).
    Overexpression,
    /// An untreated or vehicle control (`ctl_vehicle`).
    Control,
}

impl PerturbationType {
    /// All types, in the order of this enum.
    pub const ALL: [Self; 6] = [
        Self::Compound,
        Self::CrisprKnockout,
        Self::Shrna,
        Self::Sirna,
        Self::Overexpression,
        Self::Control,
    ];

    /// Returns the Connectivity Map's code: `trt_cp`, `trt_xpr`, …
    #[must_use]
    pub fn cmap_code(self) -> &'static str {
        match self {
            Self::Compound => "trt_cp",
            Self::CrisprKnockout => "trt_xpr",
            Self::Shrna => "trt_sh",
            Self::Sirna => "trt_si",
            Self::Overexpression => "trt_oe",
            Self::Control => "ctl_vehicle",
        }
    }

    /// Returns the type of a Connectivity Map code or of a name used in recipes
    /// (`compound`, `crispr-knockout`, `shrna`, `sirna`, `overexpression`, `control`).
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let code = code.trim().to_ascii_lowercase();
        match code.as_str() {
            "trt_cp" | "compound" => Some(Self::Compound),
            "trt_xpr" | "crispr-knockout" | "crispr-ko" => Some(Self::CrisprKnockout),
            "trt_sh" | "trt_sh.cgs" | "shrna" => Some(Self::Shrna),
            "trt_si" | "sirna" => Some(Self::Sirna),
            "trt_oe" | "overexpression" => Some(Self::Overexpression),
            "control" => Some(Self::Control),
            _ if code.starts_with("ctl_") => Some(Self::Control),
            _ => None,
        }
    }

    /// Returns the prefix of a genetic symbol (`CRISPR-KO` in `CRISPR-KO_BRAF`); none for compounds and controls.
    #[must_use]
    pub fn prefix(self) -> Option<&'static str> {
        match self {
            Self::CrisprKnockout => Some("CRISPR-KO"),
            Self::Shrna => Some("shRNA"),
            Self::Sirna => Some("siRNA"),
            Self::Overexpression => Some("OE"),
            Self::Compound | Self::Control => None,
        }
    }

    /// Returns the side of the search space; controls count as chemical (they are vehicles).
    #[must_use]
    pub fn side(self) -> Side {
        match self {
            Self::Compound | Self::Control => Side::Chemical,
            _ => Side::Genetic,
        }
    }

    /// Returns what it does to the activity of its gene: 1 where it gains, −1 where it loses; none of compounds and controls.
    ///
    /// ```
    /// use phenocopy::experiment::PerturbationType;
    ///
    /// assert_eq!(PerturbationType::Overexpression.gene_activity(), Some(1.0));
    /// assert_eq!(PerturbationType::Shrna.gene_activity(), Some(-1.0));
    /// ```
    #[must_use]
    pub fn gene_activity(self) -> Option<f64> {
        match self {
            Self::CrisprKnockout | Self::Shrna | Self::Sirna => Some(-1.0),
            Self::Overexpression => Some(1.0),
            Self::Compound | Self::Control => None,
        }
    }

    /// Returns the words a reader sees: `compound`, `CRISPR knock-out`, …
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Compound => "compound",
            Self::CrisprKnockout => "CRISPR knock-out",
            Self::Shrna => "shRNA knock-down",
            Self::Sirna => "siRNA knock-down",
            Self::Overexpression => "over-expression",
            Self::Control => "control",
        }
    }
}

impl fmt::Display for PerturbationType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cmap_code())
    }
}

/// An intervention: a type and the agent it is made with.
///
/// Its symbol is the model's token, as in the authors' code: `venetoclax`, `CRISPR-KO_BRAF`.
/// `A+B` is a combination whose embedding is the mean of its members'.
///
/// ```
/// use phenocopy::experiment::{Perturbation, PerturbationType, Side};
///
/// let knockout = Perturbation::new(PerturbationType::CrisprKnockout, "BRAF");
/// assert_eq!(knockout.symbol(), "CRISPR-KO_BRAF");
/// assert_eq!(knockout.side(), Side::Genetic);
/// let pair = Perturbation::new(PerturbationType::Compound, "dabrafenib+trametinib");
/// assert_eq!(pair.members(), ["dabrafenib", "trametinib"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Perturbation {
    perturbation_type: PerturbationType,
    agent: String,
}

impl Perturbation {
    /// Creates a perturbation of a type with an agent (a compound's name, a gene's symbol, or `A+B`).
    #[must_use]
    pub fn new(perturbation_type: PerturbationType, agent: impl Into<String>) -> Self {
        Self { perturbation_type, agent: agent.into() }
    }

    /// Creates a perturbation of a type with a name: its agent's, or its own symbol.
    ///
    /// ```
    /// use phenocopy::experiment::{Perturbation, PerturbationType};
    ///
    /// let named = |name| Perturbation::named(PerturbationType::CrisprKnockout, name);
    /// assert_eq!(named("CRISPR-KO_BRAF"), named("BRAF"));
    /// ```
    #[must_use]
    pub fn named(perturbation_type: PerturbationType, name: &str) -> Self {
        let prefix = perturbation_type.prefix();
        let agent = prefix.and_then(|prefix| name.strip_prefix(prefix)?.strip_prefix('_'));
        Self::new(perturbation_type, agent.unwrap_or(name))
    }

    /// Returns the type.
    #[must_use]
    pub fn perturbation_type(&self) -> PerturbationType {
        self.perturbation_type
    }

    /// Returns the agent: a compound's name, a gene's symbol, or `A+B`.
    #[must_use]
    pub fn agent(&self) -> &str {
        &self.agent
    }

    /// Returns the side of the search space.
    #[must_use]
    pub fn side(&self) -> Side {
        self.perturbation_type.side()
    }

    /// Returns the unique symbol: the agent, behind the type's prefix when it is genetic.
    #[must_use]
    pub fn symbol(&self) -> String {
        self.symbol_of(&self.agent)
    }

    /// Returns the agents of a combination in their order; one agent for a single perturbation.
    ///
    /// Only a `+` between two non-blank parts separates: `(+)-JQ1` is one agent.
    #[must_use]
    pub fn members(&self) -> Vec<&str> {
        let parts: Vec<&str> = self.agent.split('+').map(str::trim).collect();
        let separates = parts.iter().all(|part| part.chars().any(char::is_alphanumeric))
            && !self.agent.contains("(+)");
        if separates { parts } else { vec![self.agent.as_str()] }
    }

    /// Returns the symbols of the members, in their order.
    #[must_use]
    pub fn member_symbols(&self) -> Vec<String> {
        self.members().into_iter().map(|agent| self.symbol_of(agent)).collect()
    }

    fn symbol_of(&self, agent: &str) -> String {
        match self.perturbation_type.prefix() {
            Some(prefix) => format!("{prefix}_{agent}"),
            None => agent.to_owned(),
        }
    }
}

impl fmt::Display for Perturbation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.symbol())
    }
}
