//! What this machine's kernel can do.

/// Whether it is of version `major.minor` or later. What takes a younger one is skipped, after a look at how it is refused.
pub(crate) fn kernel_since(major: u32, minor: u32) -> bool {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut numbers = release.split(|sign: char| !sign.is_ascii_digit()).map_while(|number| number.parse().ok());
    (numbers.next(), numbers.next()) >= (Some(major), Some(minor))
}
