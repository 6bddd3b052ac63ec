//! A Dockerfile and a context to an image.

pub mod dockerfile;
