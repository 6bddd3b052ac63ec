//! A private key, and what it signs.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaKeyPair,
};

use super::openssh;
use super::wire::{put, put_number, strings};

/// Who asks for RSA says with which hash: RFC 8332.
const SHA256: u32 = 2;
const SHA512: u32 = 4;

/// Why a file has no key that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A passphrase is needed.
    #[error("it is protected by a passphrase")]
    Encrypted,
    /// It is none.
    #[error("it is no private key")]
    NoKey,
    /// A kind that nothing can be signed with here.
    #[error("keys of the kind `{0}` are not supported")]
    Kind(String),
    /// It is damaged.
    #[error("it is damaged: {0}")]
    Broken(&'static str),
}

/// A private key.
pub struct Key {
    pair: Pair,
    pub(super) comment: String,
}

/// By its kind.
pub(super) enum Pair {
    Ed25519(Ed25519KeyPair),
    /// With the name of its curve.
    Ecdsa(&'static str, EcdsaKeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl fmt::Debug for Key {
    /// Without what is secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Key").field("comment", &self.comment).finish_non_exhaustive()
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.public() == other.public()
    }
}

impl Eq for Key {}

impl Key {
    /// Reads the text of a key file. `name` is what the key is called if the file does not say it.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn parse(text: &str, name: &str) -> Result<Self, KeyError> {
        let (_, rest) = text.split_once("-----BEGIN ").ok_or(KeyError::NoKey)?;
        let (label, rest) = rest.split_once("-----").ok_or(KeyError::NoKey)?;
        let (body, _) = rest.split_once("-----END ").ok_or(KeyError::Broken("it has no end"))?;
        if label == "ENCRYPTED PRIVATE KEY" || body.contains("ENCRYPTED") {
            return Err(KeyError::Encrypted);
        }
        let body: String = body.split_whitespace().collect();
        let bytes = STANDARD.decode(body).map_err(|_| KeyError::Broken("it is not base64"))?;
        let broken = KeyError::Broken("it is not what its first line says");
        let (pair, comment) = match label {
            "OPENSSH PRIVATE KEY" => openssh::read(&bytes)?,
            "RSA PRIVATE KEY" => (rsa(RsaKeyPair::from_der(&bytes)).ok_or(broken)?, String::new()),
            "PRIVATE KEY" => (pkcs8(&bytes).ok_or(broken)?, String::new()),
            other if other.ends_with("PRIVATE KEY") => return Err(KeyError::Kind(other.to_owned())),
            _ => return Err(KeyError::NoKey),
        };
        Ok(Self { pair, comment: if comment.is_empty() { name.to_owned() } else { comment } })
    }

    /// The public key, as SSH has it.
    #[must_use]
    pub fn public(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Ed25519(pair) => strings(&[b"ssh-ed25519", pair.public_key().as_ref()]),
            Pair::Ecdsa(curve, pair) => {
                strings(&[format!("ecdsa-sha2-{curve}").as_bytes(), curve.as_bytes(), pair.public_key().as_ref()])
            }
            Pair::Rsa(pair) => {
                let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                let mut public = strings(&[b"ssh-rsa"]);
                put_number(&mut public, &e);
                put_number(&mut public, &n);
                public
            }
        }
    }

    /// Signs `data`, as SSH has it; `None` for a hash that is not secure any more.
    pub(super) fn sign(&self, data: &[u8], flags: u32) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ed25519(pair) => Some(strings(&[b"ssh-ed25519", pair.sign(data).as_ref()])),
            Pair::Ecdsa(curve, pair) => {
                let signature = pair.sign(&random, data).ok()?;
                let (r, s) = signature.as_ref().split_at(signature.as_ref().len() / 2);
                let mut both = Vec::new();
                put_number(&mut both, r);
                put_number(&mut both, s);
                Some(strings(&[format!("ecdsa-sha2-{curve}").as_bytes(), &both]))
            }
            Pair::Rsa(pair) => {
                let (name, encoding): (&[u8], _) = match flags {
                    flags if flags & SHA512 != 0 => (b"rsa-sha2-512", &RSA_PKCS1_SHA512),
                    flags if flags & SHA256 != 0 => (b"rsa-sha2-256", &RSA_PKCS1_SHA256),
                    _ => return None,
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(encoding, &random, data, &mut signature).ok()?;
                let mut signed = strings(&[name]);
                put(&mut signed, &signature);
                Some(signed)
            }
        }
    }
}

/// A key of a curve by its name, its secret number and its public point.
pub(super) fn ecdsa(curve: &[u8], number: &[u8], public: &[u8]) -> Option<Pair> {
    let (name, algorithm, length) = match curve {
        b"nistp256" => ("nistp256", &ECDSA_P256_SHA256_FIXED_SIGNING, 32),
        b"nistp384" => ("nistp384", &ECDSA_P384_SHA384_FIXED_SIGNING, 48),
        _ => return None,
    };
    let mut padded = vec![0; usize::saturating_sub(length, number.len())];
    padded.extend(number);
    let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &padded, public, &SystemRandom::new());
    pair.ok().map(|pair| Pair::Ecdsa(name, pair))
}

fn rsa<E>(pair: Result<RsaKeyPair, E>) -> Option<Pair> {
    pair.ok().map(|pair| Pair::Rsa(Box::new(pair)))
}

fn pkcs8(bytes: &[u8]) -> Option<Pair> {
    let random = SystemRandom::new();
    let of_curve =
        |name, algorithm| EcdsaKeyPair::from_pkcs8(algorithm, bytes, &random).ok().map(|pair| Pair::Ecdsa(name, pair));
    let ed25519 = Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes).ok().map(Pair::Ed25519);
    ed25519
        .or_else(|| rsa(RsaKeyPair::from_pkcs8(bytes)))
        .or_else(|| of_curve("nistp256", &ECDSA_P256_SHA256_FIXED_SIGNING))
        .or_else(|| of_curve("nistp384", &ECDSA_P384_SHA384_FIXED_SIGNING))
}
