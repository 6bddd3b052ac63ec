//! An instruction with the values that variables have, by the rule of its kind: which of its words are expanded, and
//! which may become several.
//!
//! All words of one instruction see the same values: in `ENV a=1 b=$a`, `b` gets what `a` was before. `ARG` alone is not
//! expanded here, for each of its names sees those before it; and the mounts of `RUN` are
//! [`MountFlag::resolve`](super::MountFlag::resolve)'s.

use super::expand::Expansion;
use super::instruction::{Instruction, InstructionKind, Pair, Transfer, TransferSource, Word};
use super::mistake::{Mistake, MistakeKind};

impl Instruction {
    /// What the instruction says with values in place of variables. What a shell is to expand stays as it is.
    ///
    /// # Errors
    /// What [`Expansion::word`] finds, and words that may not be blank.
    pub fn expanded(&self, expansion: &Expansion<'_>) -> Result<InstructionKind, Mistake> {
        let word = |word: &Word| expanded(word, expansion);
        let pairs = |pairs: &[Pair]| pairs.iter().map(|pair| expanded_pair(pair, expansion)).collect::<Result<_, _>>();
        Ok(match &self.kind {
            InstructionKind::Add(transfer) => InstructionKind::Add(expanded_transfer(transfer, expansion)?),
            InstructionKind::Copy(transfer) => InstructionKind::Copy(expanded_transfer(transfer, expansion)?),
            InstructionKind::Env(env) => InstructionKind::Env(pairs(env)?),
            InstructionKind::Label(labels) => InstructionKind::Label(pairs(labels)?),
            InstructionKind::Expose(ports) => {
                let mut all = Vec::new();
                for port in ports {
                    let words = expansion.words(port)?.into_iter();
                    all.extend(words.map(|text| Word { text, span: port.span.clone() }));
                }
                InstructionKind::Expose(all)
            }
            InstructionKind::Stopsignal(signal) => InstructionKind::Stopsignal(word(signal)?),
            InstructionKind::User(user) => InstructionKind::User(word(user)?),
            InstructionKind::Volume(volumes) => {
                let volume = |volume| word(volume).and_then(|volume| filled(volume, "VOLUME"));
                InstructionKind::Volume(volumes.iter().map(volume).collect::<Result<_, _>>()?)
            }
            InstructionKind::Workdir(path) => InstructionKind::Workdir(word(path)?),
            InstructionKind::Arg(_)
            | InstructionKind::Cmd(_)
            | InstructionKind::Entrypoint(_)
            | InstructionKind::Healthcheck(_)
            | InstructionKind::Maintainer(_)
            | InstructionKind::Onbuild(_)
            | InstructionKind::Run(_)
            | InstructionKind::Shell(_) => self.kind.clone(),
        })
    }
}

fn expanded(word: &Word, expansion: &Expansion<'_>) -> Result<Word, Mistake> {
    Ok(Word { text: expansion.word(word)?, span: word.span.clone() })
}

fn filled(word: Word, instruction: &'static str) -> Result<Word, Mistake> {
    match word.text.is_empty() {
        true => Err(Mistake::new(word.span, MistakeKind::BlankName(instruction))),
        false => Ok(word),
    }
}

fn expanded_pair(pair: &Pair, expansion: &Expansion<'_>) -> Result<Pair, Mistake> {
    Ok(Pair { key: expanded(&pair.key, expansion)?, value: expanded(&pair.value, expansion)?, legacy: pair.legacy })
}

fn expanded_transfer(transfer: &Transfer, expansion: &Expansion<'_>) -> Result<Transfer, Mistake> {
    let source = |source: &TransferSource| {
        Ok(match source {
            TransferSource::Path(path) => TransferSource::Path(expanded(path, expansion)?),
            TransferSource::Inline(heredoc) => {
                let mut heredoc = heredoc.clone();
                heredoc.raw = expansion.heredoc(&heredoc)?;
                (heredoc.expand, heredoc.chomp) = (false, false);
                TransferSource::Inline(heredoc)
            }
        })
    };
    let option = |word: &Option<Word>| word.as_ref().map(|word| expanded(word, expansion)).transpose();
    Ok(Transfer {
        sources: transfer.sources.iter().map(source).collect::<Result<_, Mistake>>()?,
        destination: expanded(&transfer.destination, expansion)?,
        chown: option(&transfer.chown)?,
        chmod: option(&transfer.chmod)?,
        checksum: option(&transfer.checksum)?,
        ..transfer.clone()
    })
}
