//! The edge, as programs and browsers reach it: a real server, asked over loopback.

mod alike;
mod cover;
mod downloads;
mod issuer;
mod leaks;
mod safety;
mod server;
mod sign_in;
mod single_sign_on;
mod trusted_header;
mod volume;
mod whole;
