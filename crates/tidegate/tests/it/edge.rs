//! The edge, as programs and browsers reach it: a real server, asked over loopback.

mod downloads;
mod issuer;
mod safety;
mod server;
mod sign_in;
mod single_sign_on;
mod trusted_header;
mod whole;
