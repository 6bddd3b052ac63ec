//! The content key of a copy.
//!
//! As BuildKit's, it is made of what the instruction says and of what its sources select: name, mode, owner, size, kind,
//! target of a symlink, numbers of a device, attributes and content of each file, but no times. Directories that sources
//! are in do not count, so that they can be renamed; the last name of a source does, as the copy may be called so.

use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::FileType;
use sha2::{Digest as _, Sha256};

use super::select::{Pick, Picked, Selection};
use super::{CopyError, Source};
use crate::build::context::{Body, Entry};
use crate::image::Digest;

/// Changes when the same key would mean something else.
const VERSION: &str = "copy 2";

impl Selection<'_> {
    /// The content key; files that are not in an index are read.
    ///
    /// # Errors
    /// [`CopyError`].
    pub fn digest(&mut self) -> Result<Digest, CopyError> {
        let mut key = Key(Sha256::new());
        self.add_instruction(&mut key);
        let is_context = self.tree.is_context();
        for pick in &mut self.picks {
            match pick {
                Pick::Inline { name, content } => {
                    key.put(b"inline");
                    key.put(name.as_bytes());
                    key.put(content);
                }
                Pick::Tree(picked) => {
                    let bodies = match picked.top.is_directory() {
                        true => self.tree.bodies(&mut picked.below)?,
                        false => self.tree.bodies(std::slice::from_mut(&mut picked.top))?,
                    };
                    key.add(picked, &bodies, is_context);
                    picked.bodies = Some(bodies);
                }
            }
        }
        Ok(Digest::from(<[u8; 32]>::from(key.0.finalize())))
    }

    fn add_instruction(&self, key: &mut Key) {
        let copy = self.copy;
        key.put(VERSION.as_bytes());
        key.put(copy.destination.as_bytes());
        key.put(copy.chown.as_deref().unwrap_or_default().as_bytes());
        key.put(copy.chmod.as_ref().map(ToString::to_string).unwrap_or_default().as_bytes());
        key.put(&[copy.parents.into(), copy.link.into(), copy.unpack.into()]);
        key.put_number(copy.exclude.texts.len() as u64);
        copy.exclude.texts.iter().for_each(|text| key.put(text.as_bytes()));
        for source in &copy.sources {
            // What is behind a pivot becomes a part of the destination.
            if let Source::Path(path) = source
                && copy.parents
            {
                key.put(path.split_once("/./").map_or(&**path, |(_, rest)| rest).as_bytes());
            }
        }
    }
}

struct Key(Sha256);

impl Key {
    fn put(&mut self, bytes: &[u8]) {
        self.put_number(bytes.len() as u64);
        self.0.update(bytes);
    }

    fn put_number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    fn add(&mut self, picked: &Picked, bodies: &[Body], is_context: bool) {
        self.put(picked.name.as_bytes());
        if !picked.top.is_directory() {
            self.put(b"file");
            return self.add_file(&picked.top, b"", &bodies[0], is_context);
        }
        // Its own mode and owner are not copied.
        self.put(b"directory");
        for (entry, body) in picked.below.iter().zip(bodies) {
            let path = entry.path.strip_prefix(&picked.top.path).unwrap_or(&entry.path);
            self.add_file(entry, path.as_os_str().as_bytes(), body, is_context);
        }
        self.put(b"end");
    }

    fn add_file(&mut self, entry: &Entry, name: &[u8], body: &Body, is_context: bool) {
        self.put(name);
        let kind = match entry.kind {
            FileType::RegularFile => b'f',
            FileType::Directory => b'd',
            FileType::Symlink => b'l',
            FileType::Fifo => b'p',
            FileType::CharacterDevice => b'c',
            FileType::BlockDevice => b'b',
            _ => b'?',
        };
        self.put(&[kind, entry.is_implied.into()]);
        // A symlink has no mode.
        self.put_number(if entry.kind == FileType::Symlink { 0 } else { entry.mode.into() });
        // What comes from a context becomes root's.
        let (uid, gid) = if is_context { (0, 0) } else { (entry.uid, entry.gid) };
        self.put_number(uid.into());
        self.put_number(gid.into());
        self.put_number(if entry.kind == FileType::RegularFile { entry.stamp.size } else { 0 });
        self.put_number(entry.device);
        self.0.update(body);
    }
}
