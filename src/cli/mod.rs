//! Arguments in, text and exit code out.
