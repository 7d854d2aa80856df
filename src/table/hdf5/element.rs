use hdf5_reader::Datatype;

/// Runs an expression with a type's name standing for the element type of a dataset of numbers, or another expression
/// where the dataset holds no numbers of 1 to 8 bytes.
macro_rules! for_element {
    ($datatype:expr, $element:ident => $read:expr, else $other:expr) => {
        for_element!(@match $datatype, $element, $read, $other,
            f32: hdf5_reader::Datatype::FloatingPoint { size: 4, .. },
            f64: hdf5_reader::Datatype::FloatingPoint { size: 8, .. },
            i8: hdf5_reader::Datatype::FixedPoint { size: 1, signed: true, .. },
            i16: hdf5_reader::Datatype::FixedPoint { size: 2, signed: true, .. },
            i32: hdf5_reader::Datatype::FixedPoint { size: 4, signed: true, .. },
            i64: hdf5_reader::Datatype::FixedPoint { size: 8, signed: true, .. },
            u8: hdf5_reader::Datatype::FixedPoint { size: 1, .. },
            u16: hdf5_reader::Datatype::FixedPoint { size: 2, .. },
            u32: hdf5_reader::Datatype::FixedPoint { size: 4, .. },
            u64: hdf5_reader::Datatype::FixedPoint { size: 8, .. })
    };
    (@match $datatype:expr, $element:ident, $read:expr, $other:expr, $($own:ty: $kind:pat),+) => {
        match $datatype {
            $($kind => {
                type $element = $own;
                $read
            })+
            _ => $other,
        }
    };
}
pub(super) use for_element;

/// Returns whether a dataset holds numbers.
pub(super) fn is_number(datatype: &Datatype) -> bool {
    for_element!(datatype, Element => std::mem::size_of::<Element>() > 0, else false)
}
