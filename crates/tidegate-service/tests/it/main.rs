//! Integration tests of the service.

mod artifacts;
mod manifest;
