//! What EC2 asks of STS.

#![allow(non_upper_case_globals, dead_code, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/sts_called.rs"));
