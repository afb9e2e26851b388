//! Test rig: temporary servers, fixtures, independent readers.

pub mod circumstances;
pub mod fault_proxy;
pub mod hook;
pub mod mariadb;
pub mod postgres;
pub mod postgres_tap;
pub mod python;
pub mod s3;
mod sink;
pub mod smtp;
pub mod tls_front;
