//! Test rig: temporary database servers, fixtures, independent readers.

pub mod mariadb;
pub mod python;
