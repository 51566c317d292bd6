//! EC2's shapes, `Input`, `Operations` and `service`, made by `build.rs` from
//! `models/ec2/model.json`.

#![allow(non_upper_case_globals, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/ec2_model.rs"));
