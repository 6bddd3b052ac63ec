//! The keys of `configs.*`.

mod content;
mod environment;
mod external;
mod file;
mod labels;
mod name;
mod template_driver;
