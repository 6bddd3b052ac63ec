//! Files and variables to a resolved model.

pub mod model;
