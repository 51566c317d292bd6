//! SSM's shapes, `Input`, `Operations` and `service`, made by `build.rs` from
//! `models/ssm/model.json`.

#![allow(non_upper_case_globals, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/ssm_model.rs"));
