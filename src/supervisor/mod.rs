//! Runs a plan and keeps it true.
