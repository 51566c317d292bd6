//! The API port before any service: connections, TLS, signatures, bad requests.

mod connections;
mod refusals;
