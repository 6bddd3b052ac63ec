//! A device policy as a program that the kernel runs whenever a process of the cgroup opens or makes a device node.
//!
//! It gets three words: what is wanted and the kind of the node, its major and its minor number. It goes through the
//! rules from the last to the first; each rule that is about the node decides over its accesses, and takes them from
//! what is still wanted. See `BPF_PROG_TYPE_CGROUP_DEVICE` in `linux/bpf.h`.

use super::devices::{ANY_ACCESS, Policy, Rule};
use crate::sys::bpf::Instruction;

// Registers: the result, the three words, and what is still wanted.
const RESULT: u8 = 0;
const CONTEXT: u8 = 1;
const KIND: u8 = 2;
const WANTED: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;

// See `linux/bpf_common.h` and `linux/bpf.h`; comparisons are of 32 bits, so that large numbers are not negative ones.
const LOAD_WORD: u8 = 0x61;
const AND: u8 = 0x54;
const SHIFT_RIGHT: u8 = 0x74;
const MOVE: u8 = 0xb4;
const JUMP_NOT_EQUAL: u8 = 0x56;
const JUMP_ANY_BIT: u8 = 0x46;
const JUMP: u8 = 0x05;
const EXIT: u8 = 0x95;

fn with(code: u8, register: u8, immediate: i32) -> Instruction {
    Instruction { code, registers: register, offset: 0, immediate }
}

fn load(register: u8, offset: i16) -> Instruction {
    Instruction { code: LOAD_WORD, registers: register | CONTEXT << 4, offset, immediate: 0 }
}

/// The program for a policy.
pub(super) fn compile(policy: &Policy) -> Vec<Instruction> {
    let mut program = vec![
        load(KIND, 0),
        with(AND, KIND, 0xffff),
        load(WANTED, 0),
        with(SHIFT_RIGHT, WANTED, 16),
        load(MAJOR, 4),
        load(MINOR, 8),
    ];
    policy.rules.iter().rev().for_each(|rule| program.extend(decide(rule)));
    program.extend(end(policy.allow));
    program
}

fn end(allow: bool) -> [Instruction; 2] {
    [with(MOVE, RESULT, i32::from(allow)), with(EXIT, 0, 0)]
}

/// Ends the program, or goes on behind its last instruction.
fn decide(rule: &Rule) -> Vec<Instruction> {
    let access = i32::from(rule.access);
    let verdict: Vec<Instruction> = if rule.access == ANY_ACCESS {
        end(rule.allow).to_vec()
    } else if rule.allow {
        let mut rest = vec![with(AND, WANTED, !access), skip(JUMP_NOT_EQUAL, WANTED, 0, 2)];
        rest.extend(end(true));
        rest
    } else {
        let mut rest = vec![skip(JUMP_ANY_BIT, WANTED, access, 1), skip(JUMP, 0, 0, 2)];
        rest.extend(end(false));
        rest
    };
    let numbers = [(MAJOR, rule.major), (MINOR, rule.minor)];
    let numbers = numbers.into_iter().filter_map(|(register, number)| Some((register, number?.cast_signed())));
    let tests: Vec<(u8, i32)> = [(KIND, rule.kind as i32)].into_iter().chain(numbers).collect();
    // A test that fails skips the tests after it and the verdict.
    let distance = |index: usize| i16::try_from(tests.len() - 1 - index + verdict.len()).expect("at most six");
    let skips = tests
        .iter()
        .enumerate()
        .map(|(index, (register, number))| skip(JUMP_NOT_EQUAL, *register, *number, distance(index)));
    skips.chain(verdict.iter().copied()).collect()
}

fn skip(code: u8, register: u8, immediate: i32, offset: i16) -> Instruction {
    Instruction { code, registers: register, offset, immediate }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::process::Command;

    use oci_spec::runtime::LinuxDeviceCgroup;
    use serde_json::{Value, json};

    use super::*;

    const MAKE: u32 = 1;
    const READ: u32 = 2;
    const WRITE: u32 = 4;

    fn policy(rules: &Value) -> Policy {
        Policy::new(&serde_json::from_value::<Vec<LinuxDeviceCgroup>>(rules.clone()).unwrap()).unwrap()
    }

    /// Runs a program as the kernel would.
    fn run(program: &[Instruction], context: [u32; 3]) -> bool {
        let mut registers = [0_u32; 16];
        let mut at = 0;
        loop {
            let now = program[at];
            at += 1;
            let operand = now.immediate.cast_unsigned();
            let register = &mut registers[usize::from(now.registers & 15)];
            let jump = match now.code {
                LOAD_WORD => {
                    *register = context[usize::try_from(now.offset).unwrap() / 4];
                    false
                }
                AND => {
                    *register &= operand;
                    false
                }
                SHIFT_RIGHT => {
                    *register >>= operand;
                    false
                }
                MOVE => {
                    *register = operand;
                    false
                }
                JUMP_NOT_EQUAL => *register != operand,
                JUMP_ANY_BIT => *register & operand != 0,
                JUMP => true,
                EXIT => return registers[usize::from(RESULT)] == 1,
                code => unreachable!("{code}"),
            };
            at += if jump { usize::try_from(now.offset).unwrap() } else { 0 };
        }
    }

    fn check(rules: &Value, cases: &[(char, u32, u32, u32, bool)]) {
        let program = compile(&policy(rules));
        for (kind, major, minor, access, expected) in cases {
            let kind = if *kind == 'b' { 1 } else { 2 };
            let got = run(&program, [access << 16 | kind, *major, *minor]);
            assert_eq!(got, *expected, "{rules}: {kind} {major}:{minor} {access}");
        }
    }

    #[test]
    fn the_defaults() {
        check(
            &json!([{"allow": false, "access": "rwm"}]),
            &[
                ('c', 1, 3, READ | WRITE, true),
                ('c', 1, 3, MAKE, true),
                ('c', 136, 7, READ | WRITE, true),
                ('c', 1, 1, READ, false),
                ('c', 1, 1, MAKE, true),
                ('b', 8, 0, MAKE, true),
                ('b', 8, 0, READ, false),
                ('b', 1, 3, READ, false),
                ('c', 10, 229, READ, false),
            ],
        );
    }

    #[test]
    fn later_rules_win() {
        let tun = |allow: bool, access: &str| json!({"allow": allow, "type": "c", "major": 10, "minor": 200, "access": access});
        let any = |allow: bool, access: &str| json!({"allow": allow, "type": "c", "major": 10, "access": access});
        check(&json!([tun(true, "rwm")]), &[('c', 10, 200, READ | WRITE, true), ('c', 10, 201, READ, false)]);
        check(&json!([tun(true, "rwm"), any(false, "w")]), &[('c', 10, 200, READ, true), ('c', 10, 200, WRITE, false)]);
        check(&json!([tun(true, "rwm"), any(false, "w")]), &[('c', 10, 200, READ | WRITE, false)]);
        check(&json!([any(true, "rw"), tun(false, "rw")]), &[('c', 10, 200, READ, false), ('c', 10, 1, READ, true)]);
        check(&json!([tun(false, "rwm"), any(true, "rw")]), &[('c', 10, 200, READ | WRITE, true)]);
        // From two rules together.
        check(&json!([tun(true, "r"), any(true, "w")]), &[('c', 10, 200, READ | WRITE, true)]);
        check(&json!([tun(true, "rwm"), {"allow": false}]), &[('c', 10, 200, READ, false), ('c', 1, 3, READ, true)]);
        check(&json!([{"allow": true}]), &[('b', 8, 0, READ | WRITE | MAKE, true)]);
        check(
            &json!([{"allow": true}, {"allow": false, "type": "a", "access": "w"}]),
            &[('b', 8, 0, READ, true), ('c', 8, 0, WRITE, false)],
        );
        let large = json!({"allow": true, "type": "b", "major": 4_294_967_295_u32, "minor": 1_048_575, "access": "r"});
        check(&json!([large]), &[('b', u32::MAX, 1_048_575, READ, true), ('b', u32::MAX, 0, READ, false)]);
    }

    /// The kernel takes it and obeys: wherever a version 2 hierarchy is mounted, beside version 1 too.
    #[test]
    fn the_kernel_obeys() {
        let mounts = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map(std::path::Path::new);
        let Some(root) = mounts.into_iter().find(|root| root.join("cgroup.controllers").exists()) else { return };
        let directory = root.join(format!("rcompose-test-{}", std::process::id()));
        // Nor is there anything to see for a user without rights.
        let Ok(()) = fs_err::create_dir(&directory) else { return };
        let cgroup = fs_err::File::open(&directory).unwrap();
        let allowed = |rules: &Value| {
            crate::sys::bpf::restrict_devices(cgroup.as_fd(), &compile(&policy(rules)))?;
            // One of the defaults, one that is not, and one of the defaults to write to.
            let script = format!(
                "echo $$ > {}/cgroup.procs; for open in '< /dev/zero' '< /dev/kmsg' '> /dev/full'; do \
                 (eval \": $open\") 2> /dev/null && echo yes || echo no; done",
                directory.display()
            );
            let output = Command::new("sh").args(["-c", &script]).output()?;
            std::io::Result::Ok(
                String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" "),
            )
        };
        let kmsg = json!({"allow": true, "type": "c", "major": 1, "minor": 11, "access": "r"});
        let no_full = json!({"allow": false, "type": "c", "major": 1, "minor": 7, "access": "w"});
        let result = allowed(&json!([])).and_then(|first| Ok([first, allowed(&json!([kmsg, no_full]))?]));
        let programs = crate::sys::bpf::device_programs(&cgroup);
        fs_err::remove_dir(&directory).unwrap();
        match result {
            Ok(opened) => {
                assert_eq!(opened, ["yes no yes", "yes yes no"]);
                assert_eq!(programs.unwrap().len(), 1, "the second program is in place of the first");
            }
            Err(error) => assert_eq!(error.raw_os_error(), Some(libc::EPERM), "{error}"),
        }
    }
}
