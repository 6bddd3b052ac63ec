//! The answers of an agent that has some keys, and nothing else.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;

use super::key::Key;
use super::wire::{Reader, put};

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

/// What OpenSSH's agent takes at most, in bytes.
const LONGEST: u32 = 256 * 1024;

/// Answers a client until it goes.
pub(in crate::build::run) fn serve(mut client: &UnixStream, keys: &[Key]) -> io::Result<()> {
    loop {
        let mut length = [0; 4];
        match client.read_exact(&mut length) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            read => read?,
        }
        let length = u32::from_be_bytes(length);
        if length > LONGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut request = Vec::new();
        client.take(u64::from(length)).read_to_end(&mut request)?;
        let mut written = Vec::new();
        put(&mut written, &answer(&request, keys).unwrap_or_else(|| vec![FAILURE]));
        client.write_all(&written)?;
    }
}

/// The answer to a request; `None` for what cannot be done.
fn answer(request: &[u8], keys: &[Key]) -> Option<Vec<u8>> {
    let (kind, rest) = request.split_first()?;
    let mut rest = Reader(rest);
    match *kind {
        REQUEST_IDENTITIES => {
            let mut answer = vec![IDENTITIES_ANSWER];
            answer.extend(u32::try_from(keys.len()).ok()?.to_be_bytes());
            for key in keys {
                put(&mut answer, &key.public());
                put(&mut answer, key.comment.as_bytes());
            }
            Some(answer)
        }
        SIGN_REQUEST => {
            let (public, data, flags) = (rest.string()?, rest.string()?, rest.number()?);
            let signature = keys.iter().find(|key| key.public() == public)?.sign(data, flags)?;
            let mut answer = vec![SIGN_RESPONSE];
            put(&mut answer, &signature);
            Some(answer)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::build::run::keys::KeyError;

    fn run(command: &mut Command) -> String {
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// OpenSSH's own client lists the keys, and finds their signatures right.
    #[test]
    fn as_openssh_has_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut keys = Vec::new();
        for (name, flags) in [
            ("ed25519", &["-t", "ed25519"][..]),
            ("p256", &["-t", "ecdsa", "-b", "256"]),
            ("p384", &["-t", "ecdsa", "-b", "384"]),
            ("rsa", &["-t", "rsa", "-b", "2048"]),
            ("pem", &["-t", "rsa", "-b", "2048", "-m", "PEM"]),
            ("pkcs8", &["-t", "ecdsa", "-b", "256", "-m", "PKCS8"]),
        ] {
            let path = directory.path().join(name);
            run(Command::new("ssh-keygen").args(["-q", "-N", "", "-C", name, "-f"]).arg(&path).args(flags));
            keys.push(Key::parse(&fs_err::read_to_string(&path).unwrap(), name).unwrap());
        }
        let socket = directory.path().join("agent");
        let listener = UnixListener::bind(&socket).unwrap();
        let count = keys.len();
        // It ends with the test, whatever comes of that.
        std::thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                let _ = serve(&client, &keys);
            }
        });
        let listed = run(Command::new("ssh-add").arg("-L").env("SSH_AUTH_SOCK", &socket));
        assert_eq!(listed.lines().count(), count);
        for line in listed.lines() {
            let name = line.rsplit_once(' ').unwrap().1;
            let public = directory.path().join(format!("{name}.pub"));
            assert!(fs_err::read_to_string(&public).unwrap().starts_with(line.rsplit_once(' ').unwrap().0), "{line}");
            let data = directory.path().join(format!("{name}.data"));
            fs_err::write(&data, name).unwrap();
            let sign = ["-q", "-Y", "sign", "-n", "test", "-f"];
            run(Command::new("ssh-keygen").args(sign).args([&public, &data]).env("SSH_AUTH_SOCK", &socket));
            let mut check = Command::new("ssh-keygen");
            check
                .args(["-Y", "check-novalidate", "-n", "test", "-s"])
                .arg(directory.path().join(format!("{name}.data.sig")));
            assert!(
                check.stdin(fs_err::File::open(&data).unwrap().into_parts().0).output().unwrap().status.success(),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_no_key() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        run(Command::new("ssh-keygen").args(["-q", "-N", "secret", "-t", "ed25519", "-f"]).arg(&path));
        let text = fs_err::read_to_string(&path).unwrap();
        let error = |text: &str| Key::parse(text, "key").unwrap_err();
        assert_eq!(error(&text), KeyError::Encrypted);
        assert_eq!(
            error("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n-----END "),
            KeyError::Encrypted
        );
        assert_eq!(error("ssh-ed25519 AAAA me"), KeyError::NoKey);
        assert_eq!(
            error("-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END "),
            KeyError::Kind("EC PRIVATE KEY".to_owned())
        );
        for body in ["", "AA==", "b3BlbnNzaC1rZXktdjEA", "!"] {
            let error = error(&format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END "));
            assert!(matches!(error, KeyError::Broken(_)), "{body}: {error}");
        }
        assert_eq!(answer(&[1], &[]), None);
        assert_eq!(answer(&[REQUEST_IDENTITIES], &[]), Some(vec![IDENTITIES_ANSWER, 0, 0, 0, 0]));
        assert_eq!(answer(&[SIGN_REQUEST, 0, 0, 0, 9], &[]), None);
    }
}
