//! The `.vcn` file.
pub(crate) mod varint;
