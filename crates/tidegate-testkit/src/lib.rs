//! Test rig: temporary database servers, fixtures, independent readers.

pub mod mariadb;
