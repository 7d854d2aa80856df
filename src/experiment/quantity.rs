use serde::{Deserialize, Serialize};
use std::fmt;

/// The amount of a compound, in micromolar.
///
/// ```
/// use phenocopy::experiment::Dose;
///
/// assert_eq!(Dose::parse("500 nM"), Dose::new(0.5, "µM"));
/// assert_eq!(Dose::parse("10 μM").unwrap().to_string(), "10 µM");
/// assert_eq!(Dose::parse("10 ng/ml"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Dose {
    micromolar: f64,
}

/// How long a perturbation acted, in hours.
///
/// ```
/// use phenocopy::experiment::TimePoint;
///
/// assert_eq!(TimePoint::parse("1 day"), TimePoint::parse("24 h"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimePoint {
    hours: f64,
}

impl Dose {
    /// Returns a dose; none if the amount is not finite or the unit is not molar: `M`, `mM`, `µM` (both signs), `uM`,
    /// `um`, `nM`, `pM`. Case counts, as a thousandfold lies between `M` and `mM`.
    #[must_use]
    pub fn new(amount: f64, unit: &str) -> Option<Self> {
        let micromolar = match unit.trim() {
            "M" => amount * 1e6,
            "mM" => amount * 1e3,
            "µM" | "μM" | "uM" | "um" => amount,
            "nM" => amount / 1e3,
            "pM" => amount / 1e6,
            _ => return None,
        };
        micromolar.is_finite().then_some(Self { micromolar })
    }

    /// Returns the dose that a text such as `10 uM` says.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (amount, unit) = amount_and_unit(text)?;
        Self::new(amount, unit)
    }

    /// Returns whether compounds are given at such doses: none, or 1 pM to 100 mM. Others come of a wrong unit.
    #[must_use]
    pub fn is_plausible(self) -> bool {
        self.micromolar == 0.0 || (1e-6..=1e5).contains(&self.micromolar)
    }

    /// Returns the amount in micromolar.
    #[must_use]
    pub fn micromolar(self) -> f64 {
        self.micromolar
    }
}

impl TimePoint {
    /// Returns a time point; none if the amount is not finite or the unit is none of minutes, hours and days.
    #[must_use]
    pub fn new(amount: f64, unit: &str) -> Option<Self> {
        let hours = match unit.trim().to_ascii_lowercase().as_str() {
            "min" | "minute" | "minutes" => amount / 60.0,
            "h" | "hr" | "hrs" | "hour" | "hours" => amount,
            "d" | "day" | "days" => amount * 24.0,
            _ => return None,
        };
        hours.is_finite().then_some(Self { hours })
    }

    /// Returns the time point that a text such as `24 h` says.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (amount, unit) = amount_and_unit(text)?;
        Self::new(amount, unit)
    }

    /// Returns the time in hours.
    #[must_use]
    pub fn hours(self) -> f64 {
        self.hours
    }
}

/// Splits `10 uM` where the number ends.
fn amount_and_unit(text: &str) -> Option<(f64, &str)> {
    let is_unit = |c: char| !c.is_ascii_digit() && !matches!(c, '.' | '+' | '-' | 'e' | 'E');
    let (amount, unit) = text.trim().split_at(text.trim().find(is_unit)?);
    Some((amount.parse().ok()?, unit))
}

impl fmt::Display for Dose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} µM", self.micromolar)
    }
}

impl fmt::Display for TimePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} h", self.hours)
    }
}

impl TryFrom<String> for Dose {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or(format!("`{text}` is no dose: write it as `10 uM`"))
    }
}

impl TryFrom<String> for TimePoint {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or(format!("`{text}` is no time: write it as `24 h`"))
    }
}

impl From<Dose> for String {
    fn from(dose: Dose) -> Self {
        dose.to_string()
    }
}

impl From<TimePoint> for String {
    fn from(time: TimePoint) -> Self {
        time.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_micromolar_is_one_dose() {
        for text in ["10 µM", "10 μM", "10 uM", "10um", "1e1 uM", "10000 nM", "0.01 mM"] {
            assert_eq!(Dose::parse(text).unwrap().to_string(), "10 µM", "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_with_a_known_unit_is_none() {
        for text in ["", "10", "uM", "10 MM", "10 ng/ml", "ten uM", "-666", "inf uM", "24 h"] {
            assert_eq!(Dose::parse(text), None, "{text}");
        }
        assert_eq!(TimePoint::parse("10 uM"), None);
        assert_eq!(TimePoint::parse("90 min").unwrap().to_string(), "1.5 h");
    }
}
