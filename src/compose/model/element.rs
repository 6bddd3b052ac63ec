//! How an element of the format is declared: its attributes alone, each with the meaning of one that is not given.

/// Whether an attribute is as if it were not given: it is left out of what is written, and of what is hashed.
pub(super) trait Unsaid {
    fn is_unsaid(&self) -> bool;
}

impl<T> Unsaid for Option<T> {
    fn is_unsaid(&self) -> bool {
        self.is_none()
    }
}

impl<T> Unsaid for Vec<T> {
    fn is_unsaid(&self) -> bool {
        self.is_empty()
    }
}

impl<K, V> Unsaid for std::collections::BTreeMap<K, V> {
    fn is_unsaid(&self) -> bool {
        self.is_empty()
    }
}

impl Unsaid for bool {
    fn is_unsaid(&self) -> bool {
        !self
    }
}

impl Unsaid for String {
    fn is_unsaid(&self) -> bool {
        self.is_empty()
    }
}

impl Unsaid for i32 {
    fn is_unsaid(&self) -> bool {
        *self == 0
    }
}

/// Declares an element whose attributes are all optional, by the names they have in a file. Written, it holds what was
/// given and nothing else, so that a new attribute changes nothing for those who do not use it.
macro_rules! element {
    (
        $(#[$meta:meta])*
        pub struct $name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty,)* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct $name {
            $(
                $(#[$attribute])*
                #[serde(skip_serializing_if = "super::element::Unsaid::is_unsaid")]
                pub $field: $type,
            )*
        }
    };
    (
        $(#[$meta:meta])*
        pub struct $name:ident($(#[$needed:meta])* $required:ident: $required_type:ty) {
            $($(#[$attribute:meta])* $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $(#[$needed])*
            pub $required: $required_type,
            $(
                $(#[$attribute])*
                #[serde(default, skip_serializing_if = "super::element::Unsaid::is_unsaid")]
                pub $field: $type,
            )*
        }

        impl $name {
            /// The attributes, by the names of their fields.
            #[cfg(test)]
            pub(in crate::compose) const ATTRIBUTES: &[&str] = &[stringify!($required), $(stringify!($field)),*];

            /// One of which nothing else is given.
            #[must_use]
            pub fn new($required: $required_type) -> Self {
                Self { $required, $($field: <$type>::default(),)* }
            }
        }
    };
}

pub(super) use element;
