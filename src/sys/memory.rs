//! What a process that lives as long as a container does to stay small.

/// Gives memory that is not needed any more back to the kernel: what was freed, and the program's own code, most of which
/// has done its work. What is needed again is found in the file. See `malloc_trim(3)` and `madvise(2)`.
pub fn trim() {
    #[cfg(target_env = "gnu")]
    // SAFETY: the call has no precondition.
    unsafe {
        libc::malloc_trim(0);
    }
    let maps = fs_err::read_to_string("/proc/self/maps").unwrap_or_default();
    for (start, length) in maps.lines().filter_map(code) {
        let address = std::ptr::with_exposed_provenance_mut(start);
        // SAFETY: the range is a mapping of a file that can be executed and not be written to, so that nothing in it differs
        // from the file, from which the kernel reads it again.
        unsafe { libc::madvise(address, length, libc::MADV_DONTNEED) };
    }
}

/// Start and length of a mapping of code of a file, from its line of `/proc/PID/maps`. See `proc_pid_maps(5)`.
fn code(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
    let (permissions, _offset, _device, inode) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    // What the kernel itself maps has no inode.
    (permissions == "r-xp" && inode != "0").then_some((start, end.checked_sub(start)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_of_files() {
        for (line, expected) in [
            ("00401000-00402000 r-xp 00001000 00:01 7  /memfd:rcompose (deleted)", Some((0x40_1000, 0x1000))),
            ("00402000-00403000 r--p 00002000 00:01 7  /memfd:rcompose (deleted)", None),
            ("00403000-00404000 rw-p 00003000 00:01 7  /memfd:rcompose (deleted)", None),
            ("7fff0000-7fff2000 r-xp 00000000 00:00 0  [vdso]", None),
            ("", None),
        ] {
            assert_eq!(code(line), expected, "{line}");
        }
    }

    #[test]
    fn a_process_goes_on() {
        trim();
        assert_eq!("1 2 3".split(' ').map(|digit| digit.parse::<u32>().unwrap()).sum::<u32>(), 6);
    }
}
