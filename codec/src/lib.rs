//! The learned video codec.
