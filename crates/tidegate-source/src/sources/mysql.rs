//! MySQL and MariaDB.

pub(crate) mod dialect;
