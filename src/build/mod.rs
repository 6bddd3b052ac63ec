//! A Dockerfile and a context to an image: on our own runtime, straight into our own store.

pub mod dockerfile;
pub mod layer;
pub mod run;
