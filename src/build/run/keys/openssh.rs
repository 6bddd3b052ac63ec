//! The file that `ssh-keygen` writes. See `PROTOCOL.key` of OpenSSH.

use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{Ed25519KeyPair, RsaKeyPair};

use super::big::modulo_less_one;
use super::key::{KeyError, Pair, ecdsa};
use super::wire::{Reader, without_zeros};

const MAGIC: &[u8] = b"openssh-key-v1\0";

/// The first key of a file, without its armour, and what it is called there.
pub(super) fn read(bytes: &[u8]) -> Result<(Pair, String), KeyError> {
    let broken = KeyError::Broken("it is not what ssh-keygen writes");
    let mut outer = Reader(bytes.strip_prefix(MAGIC).ok_or(KeyError::Broken("it does not begin as it should"))?);
    let cipher = outer.string().ok_or(broken.clone())?;
    if cipher != b"none" {
        return Err(KeyError::Encrypted);
    }
    let mut private = || {
        outer.string()?;
        outer.string()?;
        outer.number()?;
        outer.string()?;
        outer.string()
    };
    let mut private = Reader(private().ok_or(broken.clone())?);
    if private.number() != private.number() {
        return Err(broken);
    }
    let kind = private.string().ok_or(broken.clone())?;
    let pair = match kind {
        b"ssh-ed25519" => ed25519(&mut private),
        b"ssh-rsa" => rsa(&mut private),
        b"ecdsa-sha2-nistp256" | b"ecdsa-sha2-nistp384" => of_curve(&mut private),
        other => return Err(KeyError::Kind(String::from_utf8_lossy(other).into_owned())),
    };
    let pair = pair.ok_or(broken)?;
    let comment = private.string().map(|comment| String::from_utf8_lossy(comment).into_owned());
    Ok((pair, comment.unwrap_or_default()))
}

fn ed25519(reader: &mut Reader<'_>) -> Option<Pair> {
    let public = reader.string()?;
    let seed = reader.string()?.get(..32)?;
    Ed25519KeyPair::from_seed_and_public_key(seed, public).ok().map(Pair::Ed25519)
}

fn of_curve(reader: &mut Reader<'_>) -> Option<Pair> {
    let curve = reader.string()?;
    let public = reader.string()?;
    let number = without_zeros(reader.string()?);
    ecdsa(curve, number, public)
}

fn rsa(reader: &mut Reader<'_>) -> Option<Pair> {
    let mut next = || reader.string().map(without_zeros);
    let (n, e, d, q_inv, p, q) = (next()?, next()?, next()?, next()?, next()?, next()?);
    let (of_p, of_q) = (modulo_less_one(d, p), modulo_less_one(d, q));
    let public_key = PublicKeyComponents { n, e };
    let components =
        KeyPairComponents { public_key, d, p, q, dP: without_zeros(&of_p), dQ: without_zeros(&of_q), qInv: q_inv };
    RsaKeyPair::from_components(&components).ok().map(|pair| Pair::Rsa(Box::new(pair)))
}
