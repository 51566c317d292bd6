//! S3's shapes, `Input`, `Operations` and `service`, made by `build.rs` from
//! `models/s3/model.json`.

#![allow(non_upper_case_globals, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/s3_model.rs"));
