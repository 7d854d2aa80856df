//! Lists of what is asked for: names, one a line or columns of a table, and pairs of a perturbation and a context.

mod list;
mod pairs;

pub use list::{NameList, parse_query_list, read_query_list};
pub use pairs::{Pair, PairTable};
