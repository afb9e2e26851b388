//! Integration tests of the service.

mod artifacts;
