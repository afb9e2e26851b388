//! The edge, as programs and browsers reach it: a real server, asked over loopback.

mod alike;
mod cover;
mod downloads;
mod leaks;
mod safety;
mod server;
mod sign_in;
mod volume;
mod whole;
