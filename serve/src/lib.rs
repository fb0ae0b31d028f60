//! The archive over HTTP, so that an identical video costs a reference instead of an upload (UHVID's idea, on exact
//! identities).
//!
//! A client asks first and sends only what is missing ([`push`]); the [`server`] checks whatever it takes; users share
//! videos, and a receiver who holds a copy gets a reference ([`Client::share`], [`pull`]). `doc/SERVE.md` states the protocol,
//! what the server believes of whom, and what a crash may leave. [`traffic`] counts what that saves for a log of shares.

#![forbid(unsafe_code)]

mod client;
mod error;
#[cfg(feature = "server")]
mod ledger;
pub mod protocol;
mod pull;
mod push;
#[cfg(feature = "server")]
pub mod server;
pub mod traffic;
#[cfg(feature = "server")]
mod users;

pub use client::{Client, Sent};
pub use error::{Error, Result};
pub use pull::{Pulled, pull};
pub use push::{Push, Pushed, push};
#[cfg(feature = "server")]
pub use users::Users;
