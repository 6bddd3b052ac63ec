//! The Dockerfile language: text to a tree.
