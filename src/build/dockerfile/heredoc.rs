//! Texts that stand below the line that uses them.

use crate::text::Span;

/// A text that stands below the line that uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// The word that ends it, which also is its file's name.
    pub name: String,
    /// `<<EOF` where the line uses it.
    pub span: Span,
    /// The lines as they stand, without the one that ends them.
    pub raw: String,
    /// Its variables are expanded, where the instruction expands any: the word is not quoted.
    pub expand: bool,
    /// `<<-`: tabs at the beginnings of lines are left out.
    pub chomp: bool,
    /// What stands before `<<`: the descriptor it is to have in a shell.
    pub descriptor: u32,
}

impl Heredoc {
    /// The lines, without leading tabs where `<<-` says so.
    #[must_use]
    pub fn content(&self) -> String {
        if !self.chomp {
            return self.raw.clone();
        }
        self.raw.split_inclusive('\n').map(|line| line.trim_start_matches('\t')).collect()
    }
}
