//! A Dockerfile and a context to an image: on our own runtime, straight into our own store.

pub mod context;
pub mod copy;
pub mod dockerfile;
pub mod layer;
pub mod pattern;
pub mod remote;
pub mod run;
