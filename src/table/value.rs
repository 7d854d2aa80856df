/// What one cell of a table to be written holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text; empty text is as good as nothing.
    Text(String),
    /// A whole number.
    Count(usize),
    /// A measured number.
    Number(f64),
    /// The numbers of a vector.
    Numbers(Vec<f32>),
    /// Nothing.
    Missing,
}

impl From<Option<f64>> for Value {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::Missing, Self::Number)
    }
}

/// What the cells of a column are, where a format has types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// UTF-8 text.
    Text,
    /// Whole numbers of 32 bits.
    Int32,
    /// Numbers of 32 bits.
    Float32,
    /// Numbers of 64 bits.
    Float64,
    /// Vectors of so many numbers of 32 bits; none is missing.
    Vector(usize),
}

impl ValueType {
    /// Returns how many numbers the vectors of a column have; none of a column of other values.
    #[must_use]
    pub fn vector_length(self) -> Option<usize> {
        match self {
            Self::Vector(length) => Some(length),
            Self::Text | Self::Int32 | Self::Float32 | Self::Float64 => None,
        }
    }
}
