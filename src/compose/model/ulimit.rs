//! `ulimits`.

use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A resource limit, from one number for both or `soft` and `hard`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Ulimit {
    /// The soft limit; `-1` is unlimited.
    pub soft: i64,
    /// The hard limit; `-1` is unlimited.
    pub hard: i64,
}

impl<'de> Deserialize<'de> for Ulimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = Ulimit;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number, or `soft` and `hard`")
            }
            fn visit_i64<E: Error>(self, both: i64) -> Result<Ulimit, E> {
                Ok(Ulimit { soft: both, hard: both })
            }
            fn visit_u64<E: Error>(self, both: u64) -> Result<Ulimit, E> {
                self.visit_i64(i64::try_from(both).unwrap_or(-1))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Ulimit, E> {
                text.parse()
                    .map_or_else(|_| Err(E::custom(format!("`{text}` is not a number"))), |both| self.visit_i64(both))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Ulimit, A::Error> {
                let (mut soft, mut hard) = (None, None);
                while let Some(key) = entries.next_key::<String>()? {
                    match key.as_str() {
                        "soft" => soft = Some(entries.next_value()?),
                        "hard" => hard = Some(entries.next_value()?),
                        _ => drop(entries.next_value::<serde::de::IgnoredAny>()?),
                    }
                }
                let (soft, hard) = soft.zip(hard).ok_or_else(|| A::Error::custom("needs `soft` and `hard`"))?;
                Ok(Ulimit { soft, hard })
            }
        }
        deserializer.deserialize_any(Form)
    }
}
