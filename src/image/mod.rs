//! References to images in a store, ready to be a root filesystem.
