//! The vcn command.

fn main() {}
