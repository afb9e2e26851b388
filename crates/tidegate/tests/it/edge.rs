//! The edge, as programs and browsers reach it: a real server, asked over loopback.

mod deployment;
mod downloads;
mod figures;
mod operations;
mod proxy;
mod reach;
mod safety;
mod server;
mod sign_in;
mod whole;
