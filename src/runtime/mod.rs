//! One OCI container, created to deleted.
