//! What EC2 asks of IAM, in IAM's own shapes, made by `build.rs` from `models/iam/model.json`.

#![allow(non_upper_case_globals, dead_code, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/iam_model.rs"));
