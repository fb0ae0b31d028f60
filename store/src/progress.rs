//! How far a long operation is, for whoever wants to know.

use std::sync::Arc;

/// How far an operation is in one of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is counted in this part, such as `objects listed`.
    pub counting: &'static str,
    /// So many so far.
    pub done: u64,
    /// Of so many, where that is known.
    pub total: Option<u64>,
}

/// Is told of steps, of which there may be millions, by the threads that take them.
pub type Watcher = Arc<dyn Fn(Step) + Send + Sync>;
