//! What SSM asks of EC2.

#![allow(non_upper_case_globals, dead_code, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/ec2_called.rs"));
