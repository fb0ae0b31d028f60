//! Pictures, colour conversion, and the one place where vcn opens inputs and outputs.

pub mod picture;
