//! What survives the process.
